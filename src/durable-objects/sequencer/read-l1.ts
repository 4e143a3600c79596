/**
 * Reading L1: one tick reads a slice at safe depth and commits it whole, or commits nothing (L1).
 *
 * Ticks never overlap and this is the only writer of its tables, so what was read before an `await`
 * still holds after it; the commit asserts that. If the object dies before the commit, the next tick
 * reads the same slice again. A provider that is behind the stored head or shows another hash there
 * is asked again later: it is never a reason to change what is stored.
 */

import { decideAcceptance } from "../../core/scheduler/acceptance.ts";
import { assert } from "../../core/types/assert.ts";
import { hashFromBytes } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { type BlockNumber, batchNonce } from "../../core/types/units.ts";
import { type FollowedSlice, readNextSlice } from "../../l1/follow.ts";
import type { L1, L1Error, ObservedInput } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import { storeBeforeLog } from "./read-before-log.ts";
import type { Runtime } from "./runtime.ts";
import {
  divergedAtNonce,
  frontierNonce,
  insertAcceptance,
  insertDivergence,
  loadSealedBatch,
} from "./storage/acceptance.ts";
import { type History, loadHistory } from "./storage/history.ts";
import { type DeploymentIdentity, insertIdentity, loadIdentity } from "./storage/identity.ts";
import {
  countSafeInputs,
  forgetPayload,
  insertSafeInput,
  loadSafeHead,
  type SafeHead,
  storeSafeHead,
} from "./storage/l1-inputs.ts";
import { hasPreviousInstance, insertPreviousInstance } from "./storage/rebuild.ts";

export type ReadOutcome = {
  /** Whether a slice was committed. */
  readonly advanced: boolean;
  /** Whether the stored head is the safe head that the provider showed. */
  readonly reachedSafeHead: boolean;
};

const failed = (reason: L1Error["reason"]): Result<never, L1Error> => err({ reason, code: null });

/** Pins the deployment on first contact: chain, InputBox, submitter, application. */
export async function pinIdentity(
  runtime: Runtime,
  l1: L1,
): Promise<Result<DeploymentIdentity, L1Error>> {
  const { config, application, storage, sql } = runtime;
  const chainId = await l1.chainId();
  if (!chainId.ok) return chainId;
  if (chainId.value !== config.chainId) return failed("wrong-chain");
  const stored = loadIdentity(sql);
  if (stored !== null) return ok(stored);
  const found = await l1.discover(config.app);
  if (!found.ok) return found;
  const identity: DeploymentIdentity = {
    chainId: config.chainId,
    app: config.app,
    inputBox: found.value.inputBox,
    inputBoxBlock: found.value.inputBoxBlock,
    submitter: config.submitter,
    application: application.name,
    applicationConfig: JSON.stringify(application.describeConfig(config.appConfig)),
  };
  transact(storage, () => insertIdentity(sql, identity));
  return ok(identity);
}

/**
 * One tick over at most `sliceBlocks` blocks. Errors leave nothing behind. `blockMax`: a follower reads no
 * further than its log has come, so that no own batch is judged before its seal is known (`replica.ts`).
 */
export async function readL1(
  runtime: Runtime,
  l1: L1,
  identity: DeploymentIdentity,
  sliceBlocks: number,
  blockMax: BlockNumber | null = null,
): Promise<Result<ReadOutcome, L1Error>> {
  const { sql } = runtime;
  const stored = loadSafeHead(sql);
  const base = loadHistory(sql)?.base ?? null;
  const held = { head: stored, inputCount: countSafeInputs(sql) };
  const limits = { blocks: sliceBlocks, stopAt: base?.block ?? null, blockMax };
  const read = await readNextSlice(l1, identity, held, limits);
  if (!read.ok) return read;
  const { slice, reachedSafeHead } = read.value;
  if (slice === null) return ok({ advanced: false, reachedSafeHead });
  const total = held.inputCount + slice.inputs.length;
  if (base !== null && slice.end.number === base.block) {
    // R5: what the baseline was made from must be what this provider shows.
    if (slice.end.hash !== base.blockHash) return failed("reorged");
    if (total !== base.inputCount) return failed("incomplete");
  }
  // A rebuild may have been committed meanwhile: the slice was not cut at its base.
  const isCutForNow = (loadHistory(sql)?.base?.block ?? null) === limits.stopAt;
  if (!isCutForNow) return ok({ advanced: false, reachedSafeHead: false });
  commitSlice(runtime, stored, slice, blockMax !== null);
  return ok({ advanced: true, reachedSafeHead });
}

/** Inputs, acceptance, divergence and the new safe head: one transaction. */
function commitSlice(
  runtime: Runtime,
  before: SafeHead | null,
  slice: FollowedSlice,
  isFollowing: boolean,
): void {
  const { storage, sql } = runtime;
  transact(storage, () => {
    const now = loadSafeHead(sql);
    assert(now?.blockNumber === before?.blockNumber, "only the reader moves the safe head");
    const history = loadHistory(sql);
    for (const input of slice.inputs) storeInput(runtime, history, input, isFollowing);
    storeSafeHead(sql, slice.end, runtime.now());
  });
}

/** Stores one input; what the submitter sent is judged. */
function storeInput(
  runtime: Runtime,
  history: History | null,
  input: ObservedInput,
  isFollowing: boolean,
): void {
  const { sql, config } = runtime;
  if (input.blockNumber <= (history?.base?.block ?? -1)) {
    // R5: the baseline holds its effect, so it is counted and nothing else.
    insertSafeInput(sql, input, null);
    return;
  }
  if (history === null && isFollowing) {
    storeBeforeLog(runtime, input);
    return;
  }
  if (input.sender !== config.submitter) {
    insertSafeInput(sql, input, input.payload);
    return;
  }
  if (history === null) judgeBeforeGenesis(runtime, input);
  else judgeLanding(runtime, input);
}

/**
 * A batch that the scheduler accepted before this database began is another instance's work. To begin
 * anew would order against it, so the object waits for a rebuild (R5). It is no divergence: nothing was
 * promised here.
 */
function judgeBeforeGenesis({ sql, config }: Runtime, input: ObservedInput): void {
  insertSafeInput(sql, input, input.payload);
  if (hasPreviousInstance(sql)) return;
  if (!decideAcceptance(batchNonce(0), input, config.submitter).accepted) return;
  insertPreviousInstance(sql, input.index);
  log("error", "previous-instance", { input_index: input.index });
}

/** Decides what the scheduler does with a batch (S2), and whether it is the one that was sealed (R4). */
function judgeLanding(runtime: Runtime, input: ObservedInput): void {
  judge(runtime, input, (payload) => insertSafeInput(runtime.sql, input, payload));
}

/** As `judgeLanding`, for an input that was stored before. */
export function judgeStored(runtime: Runtime, input: ObservedInput): void {
  judge(runtime, input, (payload) => {
    if (payload === null) forgetPayload(runtime.sql, input.index);
  });
}

/** `keep`: told whether the payload is needed, before anything names the input. */
function judge(
  runtime: Runtime,
  input: ObservedInput,
  keep: (payload: Uint8Array | null) => void,
): void {
  const { sql, config } = runtime;
  const expected = frontierNonce(sql);
  const decision = decideAcceptance(expected, input, config.submitter);
  const sealed = loadSealedBatch(sql, expected);
  const isSealedBytes =
    sealed !== null && hashFromBytes(runtime.keccak(input.payload)) === sealed.payloadHash;
  const isFrozen = divergedAtNonce(sql) !== null;
  const isOurs = decision.accepted && isSealedBytes && !isFrozen;
  keep(isOurs ? null : input.payload);
  if (!decision.accepted || isFrozen) return;
  if (sealed !== null && isSealedBytes) {
    insertAcceptance(sql, {
      inputIndex: input.index,
      nonce: expected,
      batchIndex: sealed.batchIndex,
      firstFrameSafeBlock: decision.firstFrameSafeBlock,
      inclusionBlock: input.blockNumber,
    });
    return;
  }
  const kind = sealed === null ? "foreign" : "mismatch";
  insertDivergence(sql, { nonce: expected, inputIndex: input.index, kind }, runtime.now());
  log("error", "canonical-divergence", { nonce: expected, input_index: input.index, kind });
}
