/**
 * Does an application keep what the sequencer, the verifier and the machine rely on?
 *
 * `checkApplication` executes a story of ops and direct inputs three times: plainly, once more from a
 * genesis of its own, and from a snapshot before each input. All three must tell the same, byte for byte.
 * On the way it asks what an adversary asks: wrong nonces, foreign bytes, arguments that are overwritten
 * afterwards. What it finds is no proof; what it reports is a fork.
 */

import { bytesEqual } from "../types/bytes.ts";
import { STATE_BYTES_MAX } from "../types/protocol.ts";
import type { Application, ApplicationState } from "./application.ts";
import { probeForeignBytes, probeSnapshots, restoreOf } from "./check-probes.ts";
import { act, type Told } from "./check-step.ts";
import type { Add, Step } from "./check-types.ts";

/** No use in a thousand sentences about one bug. */
const FINDINGS_MAX = 20;

/**
 * What is wrong with `application`, one sentence each; empty when nothing was found. `steps` are executed
 * in order from genesis; an op carries its sender's next nonce and may be refused, which is part of the
 * story too. Give steps that reach every method, every failure of one, and several accounts.
 */
export function checkApplication<Config>(
  application: Application<Config>,
  config: Config,
  steps: readonly Step[],
): readonly string[] {
  const findings: string[] = [];
  const add = (finding: string): void => {
    if (findings.length < FINDINGS_MAX && !findings.includes(finding)) findings.push(finding);
  };
  try {
    run(application, config, steps, add);
  } catch (error) {
    // A throw is fatal in production as well: there it stops the rollup.
    add(`it throws: ${error instanceof Error ? error.message : "something that is no Error"}`);
  }
  return findings;
}

function run<Config>(
  application: Application<Config>,
  config: Config,
  steps: readonly Step[],
  add: Add,
): void {
  checkDeclared(application, config, add);
  const restore = restoreOf(application, config);
  const renewed = (state: ApplicationState): ApplicationState => {
    const snapshot = state.snapshot();
    if (snapshot.length > application.stateBytesMax) add("a snapshot is above stateBytesMax");
    const restored = restore(snapshot);
    if (restored.ok) return restored.value;
    add(`restore refuses a snapshot of its own: ${restored.error}`);
    return state;
  };
  const genesis = (): ApplicationState => application.genesis(config);
  const story = tell(genesis(), steps, unchanged, add);
  compare("a second run", story, tell(genesis(), steps, unchanged, add), add);
  compare("a run from snapshots", story, tell(genesis(), steps, renewed, add), add);
  const end = story.at(-1)?.snapshot ?? genesis().snapshot();
  probeForeignBytes(restore, end, steps, add);
  probeSnapshots(restore, end, add);
}

const unchanged = (state: ApplicationState): ApplicationState => state;

function checkDeclared<Config>(application: Application<Config>, config: Config, add: Add): void {
  const { maxMethodPayloadBytes, stateBytesMax } = application;
  if (!Number.isSafeInteger(maxMethodPayloadBytes) || maxMethodPayloadBytes < 0) {
    add("maxMethodPayloadBytes is no count of bytes");
  }
  if (!Number.isSafeInteger(stateBytesMax) || stateBytesMax > STATE_BYTES_MAX) {
    add(`stateBytesMax is above ${STATE_BYTES_MAX}`);
  }
  const { executedInputCount, lastExecutedSafeBlock } = application.genesis(config).progress();
  if (executedInputCount !== 0 || lastExecutedSafeBlock !== 0) add("genesis has progress");
  const described = application.describeConfig(config);
  // As it comes back from `/deployment`.
  const parsed = application.parseDescription(JSON.parse(JSON.stringify(described)));
  if (parsed === null) {
    add("parseDescription refuses what describeConfig says");
    return;
  }
  const [given, read] = [config, parsed].map((one) => application.genesis(one).snapshot());
  if (given === undefined || read === undefined || !bytesEqual(given, read)) {
    add("a configuration comes back from its description as another one");
  }
}

/** What a state tells after each step. `before` may replace the state between two of them. */
function tell(
  genesis: ApplicationState,
  steps: readonly Step[],
  before: (state: ApplicationState) => ApplicationState,
  add: Add,
): readonly Told[] {
  let state = genesis;
  return steps.map((step, i) => {
    state = before(state);
    return act(state, step, (finding) => add(`step ${i}: ${finding}`));
  });
}

function compare(what: string, story: readonly Told[], other: readonly Told[], add: Add): void {
  const at = story.findIndex(({ answer, snapshot }, i) => {
    const again = other[i];
    return again?.answer !== answer || !bytesEqual(again.snapshot, snapshot);
  });
  if (at !== -1) add(`step ${at}: ${what} has other outputs or another state`);
}
