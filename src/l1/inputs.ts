/**
 * An application's inputs as InputBox logged them: read in slices, decoded, checked against
 * themselves (L1, P§6.2).
 *
 * A provider may answer with less than there is, without an error. So nothing is returned unless
 * every log agrees with the input inside it and the indices leave no hole; that the slice joins
 * what is stored, and that the count on chain is reached, is the caller's to compare.
 */

import type { Address } from "../core/types/hex.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { blockNumber } from "../core/types/units.ts";
import { decodeEvmAdvance } from "../core/wire/evm-advance.ts";
import { narrowCounter, parseCounter, parseHash, parseObject } from "./answers.ts";
import { addressTopic, decodeBytes, INPUT_ADDED_TOPIC } from "./contracts.ts";
import { l1Error, rangeError, transportError } from "./errors.ts";
import type { InputQuery, InputSlice, L1Error, ObservedInput } from "./l1.ts";
import { type BlockRange, type RangeItem, readRange } from "./range.ts";
import type { Rpc } from "./transport.ts";

/** L1: bounds of one slice. */
export const SLICE_BLOCKS_MAX = 10_000;
const SLICE_BUDGET = { calls: 64, bytes: 16 * 1024 * 1024 };
/** What an input costs beside its payload: the rest of its EvmAdvance. Bounds empty inputs too. */
const INPUT_OVERHEAD_BYTES = 292;

export type LogReader = {
  /** For ranges: a longer answer than this endpoint takes is halved. */
  readonly rpc: Rpc;
  /** For one block, which cannot be halved. */
  readonly blockRpc: Rpc;
  readonly chainId: number;
  readonly longRangeCodes: readonly number[];
};

type Log = RangeItem & {
  readonly transactionIndex: number;
  readonly logIndex: number;
  readonly input: ObservedInput;
};

/** Errors: `incomplete` when a log contradicts itself, its range or its neighbours. */
export async function readInputs(
  reader: LogReader,
  query: InputQuery,
): Promise<Result<InputSlice, L1Error>> {
  const last = Math.min(query.to, query.from + SLICE_BLOCKS_MAX - 1);
  const range = { start: query.from, end: blockNumber(last) };
  const slice = await readRange(range, SLICE_BUDGET, (part) => fetchLogs(reader, query, part));
  if (!slice.ok) return slice;
  const inputs = slice.value.items.map((log) => log.input);
  if (!isContiguous(inputs)) return err(l1Error("incomplete"));
  const kept = query.sender === null ? inputs : inputs.filter((one) => one.sender === query.sender);
  return ok({ inputs: kept, end: slice.value.end });
}

async function fetchLogs(
  reader: LogReader,
  { inputBox, app }: InputQuery,
  range: BlockRange,
): Promise<Result<readonly Log[], L1Error>> {
  const rpc = range.start === range.end ? reader.blockRpc : reader.rpc;
  const filter = {
    address: inputBox,
    topics: [INPUT_ADDED_TOPIC, addressTopic(app)],
    fromBlock: `0x${range.start.toString(16)}`,
    toBlock: `0x${range.end.toString(16)}`,
  };
  const answer = await rpc({
    method: "eth_getLogs",
    params: [filter],
    toError: (thrown) => rangeError(transportError(thrown), reader.longRangeCodes),
  });
  if (!answer.ok) return answer;
  if (!Array.isArray(answer.value)) return err(l1Error("incomplete"));
  const logs: Log[] = [];
  for (const raw of answer.value) {
    const log = parseLog(raw, { inputBox, app, chainId: reader.chainId });
    if (log === null || log.block < range.start || log.block > range.end) {
      return err(l1Error("incomplete"));
    }
    logs.push(log);
  }
  return ok(logs.toSorted(inChainOrder));
}

/** Null unless the log is ours, is still part of the chain, and agrees with its EvmAdvance. */
function parseLog(
  raw: unknown,
  expected: { readonly inputBox: Address; readonly app: Address; readonly chainId: number },
): Log | null {
  const place = parsePlace(raw, expected);
  if (place === null) return null;
  const bytes = decodeBytes(place.data);
  const advance = bytes === null ? null : decodeEvmAdvance(bytes);
  if (advance === null || !advance.ok) return null;
  const { chainId, appContract, msgSender, payload } = advance.value;
  const index = narrowCounter(advance.value.index);
  const blockTimestamp = narrowCounter(advance.value.blockTimestamp);
  if (index === null || index !== place.index || blockTimestamp === null) return null;
  if (advance.value.blockNumber !== BigInt(place.block)) return null;
  if (chainId !== BigInt(expected.chainId) || appContract !== expected.app) return null;
  const { block, transactionIndex, logIndex, transactionHash } = place;
  return {
    block,
    transactionIndex,
    logIndex,
    bytes: payload.length + INPUT_OVERHEAD_BYTES,
    input: {
      index,
      sender: msgSender,
      payload,
      blockNumber: block,
      blockTimestamp,
      transactionHash,
    },
  };
}

/** Where the log stands, and its indexed index; null for another contract's or event's log. */
function parsePlace(raw: unknown, expected: { readonly inputBox: Address; readonly app: Address }) {
  const log = parseObject(raw);
  const topics = log?.["topics"];
  if (log === null || log["removed"] === true || !Array.isArray(topics)) return null;
  if (String(log["address"]).toLowerCase() !== expected.inputBox || topics.length !== 3)
    return null;
  if (parseHash(topics[0]) !== INPUT_ADDED_TOPIC) return null;
  if (parseHash(topics[1]) !== addressTopic(expected.app)) return null;
  const index = parseCounter(topics[2]);
  const block = parseCounter(log["blockNumber"]);
  const transactionIndex = parseCounter(log["transactionIndex"]);
  const logIndex = parseCounter(log["logIndex"]);
  const transactionHash = parseHash(log["transactionHash"]);
  if (block === null || transactionIndex === null || logIndex === null) return null;
  if (index === null || transactionHash === null) return null;
  const data = log["data"];
  return { index, block: blockNumber(block), transactionIndex, logIndex, transactionHash, data };
}

function inChainOrder(a: Log, b: Log): number {
  return a.block - b.block || a.transactionIndex - b.transactionIndex || a.logIndex - b.logIndex;
}

function isContiguous(inputs: readonly ObservedInput[]): boolean {
  const first = inputs[0]?.index ?? 0;
  return inputs.every((input, i) => input.index === first + i);
}
