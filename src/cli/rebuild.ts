/**
 * `baton rebuild`: a lost database, made anew from L1 (R5).
 *
 * Load a starting point, flush the submitter's wallet, read L1 up to the block where the flush was seen
 * complete, fold it, drain what waits, and upload the result into an empty sequencer object, which
 * begins a new era with it. Configured by the variables of the deployment itself. Nothing is written
 * before the last part is there, so a run that fails is run again. Exit code 0: the era was begun.
 */

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { RebuildManifest } from "../core/api/rebuild.ts";
import type { Application, ApplicationState } from "../core/application/application.ts";
import type { Config } from "../core/config/config.ts";
import { type Address, hash32, parseAddress } from "../core/types/hex.ts";
import { STATE_BYTES_MAX } from "../core/types/protocol.ts";
import type { BlockNumber } from "../core/types/units.ts";
import type { L1 } from "../l1/l1.ts";
import { connectOne, describeL1Error } from "./connect.ts";
import { recoverFor } from "./curve.ts";
import { readConfig } from "./deployed-config.ts";
import { CommandFailure, type Io, resolvePath, type Speech } from "./io.ts";
import { retrying } from "./read-inputs.ts";
import { type Replayed, replay, type StartingPoint } from "./replay.ts";
import { runFlush } from "./run-flush.ts";
import { describeRefusal, SequencerClient } from "./sequencer-client.ts";
import { upload } from "./upload.ts";

export type RebuildOptions = {
  readonly speech: Speech;
  readonly url: string;
  readonly rpcUrl: string | undefined;
  readonly token: string | undefined;
  /** Null: from genesis. */
  readonly snapshot: (StartingPoint & { readonly path: string }) | null;
};

/** Answers the exit code. Throws `CommandFailure` when the era was not begun. */
export async function rebuild<AppConfig>(
  io: Io,
  application: Application<AppConfig>,
  options: RebuildOptions,
): Promise<number> {
  const { speech } = options;
  const config = readConfig(io, application, options);
  const { operatorToken } = config.secrets;
  if (operatorToken === null) throw new CommandFailure("give --token or SEQ_OPERATOR_TOKEN");
  const client = new SequencerClient(options.url, operatorToken);
  await requireOurs(client, config);
  await requireEmpty(client);
  const l1 = await connectOne(io, options.rpcUrl);
  const start = load(io, application, config, options.snapshot);
  const stop = await runFlush(l1, config, speech);
  if (start.from !== null && stop < start.from.block) {
    throw new CommandFailure(`the snapshot is of block ${start.from.block}, L1 is at ${stop}`);
  }
  const replayed = await fold(l1, config, { speech, start, stop });
  const { manifest, state } = describeState(config, replayed, stop);
  const era = await upload(client, {
    manifest,
    state,
    onProgress: (part, parts) => speech.progress(`uploaded ${part} of ${parts} parts`),
  });
  const report = {
    command: "rebuild",
    era,
    base_block: manifest.baseBlock,
    anchor_nonce: manifest.anchorNonce,
    executed_input_count: manifest.executedInputCount,
    sha256: manifest.sha256.slice(2),
    inputs: replayed.inputCount,
    outcomes: replayed.outcomes,
    not_recovered: NOT_RECOVERED,
  };
  speech.result(report, [
    `rebuilt: era ${era}`,
    `state at the end of L1 block ${report.base_block}: ${report.executed_input_count} executed, sha256 ${report.sha256}`,
    `next batch nonce ${report.anchor_nonce}`,
    "what cannot be recovered:",
    ...NOT_RECOVERED.map((one) => `  ${one}`),
  ]);
  return 0;
}

const NOT_RECOVERED: readonly string[] = [
  "ops that were confirmed and never accepted on L1: their senders submit them again",
  "the feed's history: readers begin anew in the new era",
  "wallet nonces that the RPC endpoint has forgotten: what lands there shows as a divergence",
];

/** Asked before anything is sent to L1. The upload compares the submitter and the state as well. */
async function requireOurs(client: SequencerClient, { chainId, app }: Config): Promise<void> {
  const { status, body } = await client.get("/domain");
  if (status === 200 && body["chainId"] === chainId && isAddress(body["verifyingContract"], app)) {
    return;
  }
  throw new CommandFailure("the sequencer is not configured for this chain and application");
}

function isAddress(value: unknown, expected: Address): boolean {
  return typeof value === "string" && parseAddress(value) === expected;
}

/**
 * Asked first: a flush consumes wallet nonces, which a sequencer that lives still needs. Only the object
 * itself says that it has no era; one that cannot be reached says neither. The upload asks again.
 */
async function requireEmpty(client: SequencerClient): Promise<void> {
  const health = await client.get("/healthz");
  const { era } = health.body;
  if (typeof era === "string") {
    throw new CommandFailure("the sequencer has a history already: only an empty one is rebuilt");
  }
  if (era !== null) throw new CommandFailure(describeRefusal("/healthz", health));
  // Says whether the token is right; an object without a history has no snapshot to show.
  const path = "/latest_snapshot";
  const snapshot = await client.get(path);
  const isEmpty = snapshot.status === 503 && snapshot.body["code"] === "UNAVAILABLE";
  if (!isEmpty) throw new CommandFailure(describeRefusal(path, snapshot));
}

type Start = { readonly state: ApplicationState; readonly from: StartingPoint | null };

function load<AppConfig>(
  io: Io,
  application: Application<AppConfig>,
  { appConfig }: Config<AppConfig>,
  snapshot: RebuildOptions["snapshot"],
): Start {
  if (snapshot === null) return { state: application.genesis(appConfig), from: null };
  const bytes = readBounded(resolvePath(io, snapshot.path));
  const restored = application.restore(appConfig, bytes);
  if (!restored.ok) throw new CommandFailure(`the snapshot cannot be restored: ${restored.error}`);
  const { executedInputCount, lastExecutedSafeBlock } = restored.value.progress();
  const { block, nextBatchNonce } = snapshot;
  if (executedInputCount === 0) {
    throw new CommandFailure("the snapshot executed nothing: rebuild from genesis without it");
  }
  // Whoever starts here takes direct inputs up to the state's clock for executed, so it lies before.
  if (lastExecutedSafeBlock >= block) {
    throw new CommandFailure(`the snapshot has executed inputs of block ${lastExecutedSafeBlock}`);
  }
  return { state: restored.value, from: { block, nextBatchNonce } };
}

function readBounded(path: string): Uint8Array {
  try {
    if (statSync(path).size <= STATE_BYTES_MAX) return readFileSync(path);
  } catch {
    throw new CommandFailure("the snapshot's file cannot be read");
  }
  throw new CommandFailure(`a snapshot has at most ${STATE_BYTES_MAX} bytes`);
}

/** Everything of L1 up to the end of `stop`, and the direct inputs that wait there. */
async function fold(
  l1: L1,
  config: Config,
  parts: { readonly speech: Speech; readonly start: Start; readonly stop: BlockNumber },
): Promise<Replayed> {
  const { speech, start, stop } = parts;
  const found = await retrying(() => l1.discover(config.app));
  if (!found.ok) throw new CommandFailure(describeL1Error(found.error));
  const { chainId, app, submitter } = config;
  const replayed = await replay(l1, {
    ...start,
    target: { chainId, app, submitter, ...found.value },
    through: stop,
    recover: recoverFor(speech),
    onProgress: (block) => speech.progress(`replayed to block ${block} of ${stop}`),
  });
  if (!replayed.ok) {
    const { reason } = replayed.error;
    if (reason !== "no-such-batch") throw new CommandFailure(describeL1Error(replayed.error));
    throw new CommandFailure("the snapshot's block holds no batch with the nonce before --nonce");
  }
  // The next batch's first frame is at this block and drains them before anything else (P§3.7).
  replayed.value.scheduler.drainThrough(stop);
  return replayed.value;
}

function describeState(
  { chainId, app, submitter }: Config,
  { state, scheduler, inputCount, end }: Replayed,
  stop: BlockNumber,
): { readonly manifest: RebuildManifest; readonly state: Uint8Array } {
  if (end === null) throw new CommandFailure("L1 holds nothing of this application");
  const bytes = state.snapshot();
  const manifest = {
    chainId,
    app,
    submitter,
    baseBlock: stop,
    baseBlockHash: end.hash,
    baseInputCount: inputCount,
    anchorNonce: scheduler.checkpoint().nextBatchNonce,
    executedInputCount: state.progress().executedInputCount,
    stateBytes: bytes.length,
    sha256: hash32(`0x${createHash("sha256").update(bytes).digest("hex")}`),
  };
  return { manifest, state: bytes };
}
