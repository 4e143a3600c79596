/**
 * `baton verify`: does the sequencer's finalized state follow from L1? (V4)
 *
 * The claim is fixed first: the digest and, with the operator's token, the bytes. Then L1's inputs up
 * to the claim's block are replayed through the scheduler, and hash, count and bytes are compared.
 * Exit code 0: they agree; 2: they do not; 1: it could not be told.
 */

import { renameSync, writeFileSync } from "node:fs";
import type { Application } from "../core/application/application.ts";
import type { L1 } from "../l1/l1.ts";
import { askClaim, type Claim } from "./claim.ts";
import { connect, describeL1Error } from "./connect.ts";
import { recoverFor } from "./curve.ts";
import { checkOnL1, type Deployment, findDeployment, type Given } from "./deployment.ts";
import { CommandFailure, type Io, resolvePath, type Speech } from "./io.ts";
import { type Replayed, replay } from "./replay.ts";
import { SequencerClient } from "./sequencer-client.ts";
import { formatVerdict, judge } from "./verdict.ts";

export const AGREE = 0;
export const UNKNOWN = 1;
export const DIVERGED = 2;

export type VerifyOptions<AppConfig> = {
  readonly speech: Speech;
  readonly url: string;
  readonly rpcUrl: string | undefined;
  readonly token: string | undefined;
  readonly given: Given<AppConfig>;
  /** A file for the state, once it agrees: what `baton rebuild --snapshot` takes. */
  readonly save: string | undefined;
};

/** Answers the exit code. Throws `CommandFailure` for what could not be told. */
export async function verify<AppConfig>(
  io: Io,
  application: Application<AppConfig>,
  options: VerifyOptions<AppConfig>,
): Promise<number> {
  const { speech } = options;
  const client = new SequencerClient(options.url, options.token);
  const l1 = connect(io, options.rpcUrl);
  const { deployment, trusted } = await findDeployment(client, options.given, application);
  const claim = await askClaim(client, options.token !== undefined);
  await checkOnL1(l1, deployment);
  const replayed = await replayClaim(l1, { speech, application, deployment, claim });
  const bytes = replayed.state.snapshot();
  const found = judge(claim, replayed, { bytes, trusted });
  const isAgreed = found.verdict === "agree";
  if (isAgreed && options.save !== undefined) {
    save(resolvePath(io, options.save), replayed, bytes);
  }
  speech.result(found, formatVerdict(found));
  return isAgreed ? AGREE : DIVERGED;
}

async function replayClaim<AppConfig>(
  l1: L1,
  parts: {
    readonly speech: Speech;
    readonly application: Application<AppConfig>;
    readonly deployment: Deployment<AppConfig>;
    readonly claim: Claim;
  },
): Promise<Replayed> {
  const { speech, application, deployment, claim } = parts;
  const through = claim.inclusionBlock;
  const replayed = await replay(l1, {
    target: deployment,
    state: application.genesis(deployment.appConfig),
    from: null,
    through,
    recover: recoverFor(speech),
    onProgress: (block) =>
      speech.progress(`replayed to block ${block}, the claim is of ${through}`),
  });
  if (!replayed.ok) throw new CommandFailure(describeL1Error(replayed.error));
  return replayed.value;
}

/**
 * Refused when a direct input waits at the very clock of the state: whoever starts from these bytes takes
 * everything up to that clock for executed.
 */
function save(path: string, { state, scheduler }: Replayed, bytes: Uint8Array): void {
  const [front] = scheduler.checkpoint().fridge;
  if (front !== undefined && front.blockNumber <= state.progress().lastExecutedSafeBlock) {
    throw new CommandFailure("this state cannot be started from: save a later one");
  }
  try {
    // The one that is there stays whole until the new one is.
    writeFileSync(`${path}.part`, bytes, { mode: 0o600 });
    renameSync(`${path}.part`, path);
  } catch {
    throw new CommandFailure("the state agrees, and its file cannot be written");
  }
}
