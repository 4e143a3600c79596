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
import { type BlockNumber, blockNumber } from "../../core/types/units.ts";
import type { L1, L1Block, L1Error, ObservedInput } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import type { Runtime } from "./runtime.ts";
import {
  divergedAtNonce,
  frontierNonce,
  insertAcceptance,
  insertDivergence,
  loadSealedBatch,
} from "./storage/acceptance.ts";
import { type DeploymentIdentity, insertIdentity, loadIdentity } from "./storage/identity.ts";
import {
  countSafeInputs,
  insertSafeInput,
  loadSafeHead,
  type SafeHead,
  storeSafeHead,
} from "./storage/l1-inputs.ts";

/** L1: blocks of one slice. */
export const SLICE_BLOCKS_MAX = 10_000;

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

/** One tick over at most `sliceBlocks` blocks. Errors leave nothing behind. */
export async function readL1(
  runtime: Runtime,
  l1: L1,
  identity: DeploymentIdentity,
  sliceBlocks: number,
): Promise<Result<ReadOutcome, L1Error>> {
  const stored = loadSafeHead(runtime.sql);
  const safe = await l1.block("safe");
  if (!safe.ok) return safe;
  const sameChain = await compareWithStored(l1, stored, safe.value);
  if (!sameChain.ok) return sameChain;
  if (stored !== null && safe.value.number === stored.blockNumber) {
    return ok({ advanced: false, reachedSafeHead: true });
  }
  const from = stored === null ? identity.inputBoxBlock : blockNumber(stored.blockNumber + 1);
  // A safe head below the InputBox's block holds no input yet.
  if (safe.value.number < from) return failed("behind");
  const to = blockNumber(Math.min(safe.value.number, from + sliceBlocks - 1));
  const slice = await readSlice(runtime, l1, { identity, from, to, safe: safe.value });
  if (!slice.ok) return slice;
  commitSlice(runtime, stored, slice.value);
  return ok({ advanced: true, reachedSafeHead: slice.value.end.number === safe.value.number });
}

/** The stored head must be on the provider's chain, at or below its safe head. */
async function compareWithStored(
  l1: L1,
  stored: SafeHead | null,
  safe: L1Block,
): Promise<Result<null, L1Error>> {
  if (stored === null) return ok(null);
  if (safe.number < stored.blockNumber) return failed("behind");
  let there = safe;
  if (safe.number > stored.blockNumber) {
    const block = await l1.block(stored.blockNumber);
    if (!block.ok) return block;
    there = block.value;
  }
  return there.hash === stored.blockHash ? ok(null) : failed("reorged");
}

type Slice = { readonly inputs: readonly ObservedInput[]; readonly end: L1Block };

/** Reads the slice and checks that it is complete: indices without a gap, and the count at its end. */
async function readSlice(
  runtime: Runtime,
  l1: L1,
  query: {
    readonly identity: DeploymentIdentity;
    readonly from: BlockNumber;
    readonly to: BlockNumber;
    readonly safe: L1Block;
  },
): Promise<Result<Slice, L1Error>> {
  const { inputBox, app } = query.identity;
  const { from, to, safe } = query;
  const read = await l1.inputs({ inputBox, app, from, to, sender: null });
  if (!read.ok) return read;
  const { inputs, end } = read.value;
  const expected = countSafeInputs(runtime.sql);
  if (inputs.some((input, i) => input.index !== expected + i)) return failed("incomplete");
  if (end !== safe.number) {
    const block = await l1.block(end);
    return block.ok ? ok({ inputs, end: block.value }) : block;
  }
  const count = await l1.inputCount(inputBox, app, end);
  if (!count.ok) return count;
  return count.value === expected + inputs.length
    ? ok({ inputs, end: safe })
    : failed("incomplete");
}

/** Inputs, acceptance, divergence and the new safe head: one transaction. */
function commitSlice(runtime: Runtime, before: SafeHead | null, slice: Slice): void {
  const { storage, sql } = runtime;
  transact(storage, () => {
    const now = loadSafeHead(sql);
    assert(now?.blockNumber === before?.blockNumber, "only the reader moves the safe head");
    for (const input of slice.inputs) storeInput(runtime, input);
    storeSafeHead(sql, slice.end, runtime.now());
  });
}

/** Stores one input and, if it is the submitter's, decides what the scheduler does with it (S2). */
function storeInput(runtime: Runtime, input: ObservedInput): void {
  const { sql, config } = runtime;
  if (input.sender !== config.submitter) {
    insertSafeInput(sql, input, input.payload);
    return;
  }
  const expected = frontierNonce(sql);
  const decision = decideAcceptance(expected, input, config.submitter);
  const sealed = loadSealedBatch(sql, expected);
  const isSealedBytes =
    sealed !== null && hashFromBytes(runtime.keccak(input.payload)) === sealed.payloadHash;
  const isFrozen = divergedAtNonce(sql) !== null;
  const isOurs = decision.accepted && isSealedBytes && !isFrozen;
  insertSafeInput(sql, input, isOurs ? null : input.payload);
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
