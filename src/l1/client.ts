/**
 * One Ethereum endpoint behind the `L1` type: each method is one JSON-RPC call and its checks.
 *
 * Holds no state but the chain id, which cannot change under a tick. Never retries, never waits
 * longer than the timeout for a call, and gives out no text of the provider's.
 */

import type { Address } from "../core/types/hex.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { type BlockNumber, blockNumber } from "../core/types/units.ts";
import {
  narrowCounter,
  parseBlock,
  parseCounter,
  parseFeeHistory,
  parseHash,
  parseObject,
  parseQuantity,
} from "./answers.ts";
import {
  decodeDataAvailability,
  decodeUint256,
  encodeAddInput,
  encodeGetNumberOfInputs,
  GET_DATA_AVAILABILITY,
  GET_DEPLOYMENT_BLOCK_NUMBER,
} from "./contracts.ts";
import { broadcastError, l1Error } from "./errors.ts";
import { readInputs } from "./inputs.ts";
import type { L1, L1Block, L1Error, L1Options } from "./l1.ts";
import { connectRpc, type FetchFunction, type Rpc, type RpcCall } from "./transport.ts";

/**
 * Of most answers, and of logs of several blocks, which are halved beyond it: decoded they take
 * three times as much of an object's 128 MB.
 */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** Of one block's logs: far above what a block's gas can pay for. */
const BLOCK_ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** P§6.4: what the fee estimate looks back at. */
const FEE_HISTORY_BLOCKS = 10;
const FEE_HISTORY_PERCENTILE = 20;

/** `fetchFn` stands in for the platform's `fetch`. Connecting makes no call. */
export function connectL1(options: L1Options, fetchFn?: FetchFunction): L1 {
  const { url, timeoutMs, longRangeCodes } = options;
  const connection = { url, timeoutMs, fetchFn };
  const rpc = connectRpc({ ...connection, answerBytesMax: ANSWER_BYTES_MAX });
  const blockRpc = connectRpc({ ...connection, answerBytesMax: BLOCK_ANSWER_BYTES_MAX });
  const chainId = readChainIdOnce(rpc);
  return {
    chainId,
    discover: (app) => discover(rpc, app),
    block: (tag) => readBlock(rpc, tag),
    inputs: async (query) => {
      const chain = await chainId();
      if (!chain.ok) return chain;
      return readInputs({ rpc, blockRpc, chainId: chain.value, longRangeCodes }, query);
    },
    inputCount: (inputBox, app, at) =>
      ask(rpc, call(inputBox, encodeGetNumberOfInputs(app), quantity(at)), (value) => {
        const count = decodeUint256(value);
        return count === null ? null : narrowCounter(count);
      }),
    transactionCount: (account, at) =>
      ask(
        rpc,
        { method: "eth_getTransactionCount", params: [account, blockTag(at)] },
        parseCounter,
      ),
    balance: (account) =>
      ask(rpc, { method: "eth_getBalance", params: [account, "latest"] }, parseQuantity),
    feeHistory: () => {
      const params = [quantity(FEE_HISTORY_BLOCKS), "latest", [FEE_HISTORY_PERCENTILE]];
      return ask(rpc, { method: "eth_feeHistory", params }, parseFeeHistory);
    },
    estimateGas: (from, { inputBox, app, payload }) =>
      estimateGas(rpc, { from, to: inputBox, data: encodeAddInput(app, payload) }),
    estimateNoOpGas: (account) => estimateGas(rpc, { from: account, to: account, data: "0x" }),
    broadcast: (raw) =>
      ask(
        rpc,
        { method: "eth_sendRawTransaction", params: [raw], toError: broadcastError },
        parseHash,
      ),
    receiptBlock: async (hash) => {
      const answer = await rpc({ method: "eth_getTransactionReceipt", params: [hash] });
      if (!answer.ok || answer.value === null) return answer.ok ? ok(null) : answer;
      const receipt = parseObject(answer.value);
      const block = parseCounter(receipt?.["blockNumber"]);
      const isOurs = parseHash(receipt?.["transactionHash"]) === hash;
      return block === null || !isOurs ? err(l1Error("incomplete")) : ok(blockNumber(block));
    },
  };
}

/** `incomplete` when `parse` does not know the answer. */
async function ask<T>(
  rpc: Rpc,
  request: RpcCall,
  parse: (value: unknown) => T | null,
): Promise<Result<T, L1Error>> {
  const answer = await rpc(request);
  if (!answer.ok) return answer;
  const value = parse(answer.value);
  return value === null ? err(l1Error("incomplete")) : ok(value);
}

function readChainIdOnce(rpc: Rpc): L1["chainId"] {
  let known: Result<number, L1Error> | null = null;
  return async () => {
    if (known?.ok) return known;
    known = await ask(rpc, { method: "eth_chainId", params: [] }, parseCounter);
    return known;
  };
}

/** A block that the endpoint does not have is `behind`. */
async function readBlock(
  rpc: Rpc,
  tag: "safe" | "latest" | BlockNumber,
): Promise<Result<L1Block, L1Error>> {
  const answer = await rpc({ method: "eth_getBlockByNumber", params: [blockTag(tag), false] });
  if (!answer.ok) return answer;
  if (answer.value === null) return err(l1Error("behind"));
  const block = parseBlock(answer.value);
  if (block === null) return err(l1Error("incomplete"));
  if (typeof tag === "number" && block.number !== tag) return err(l1Error("incomplete"));
  return ok(block);
}

/** L3: an application whose inputs are InputBox's alone; any other availability is refused. */
async function discover(rpc: Rpc, app: Address): ReturnType<L1["discover"]> {
  const availability = await inspectContract(rpc, app, GET_DATA_AVAILABILITY);
  if (!availability.ok) return availability;
  const inputBox = decodeDataAvailability(availability.value);
  if (inputBox === null) return err(l1Error("unsupported-contract"));
  const deployed = await inspectContract(rpc, inputBox, GET_DEPLOYMENT_BLOCK_NUMBER);
  if (!deployed.ok) return deployed;
  const block = narrowCounter(decodeUint256(deployed.value) ?? -1n);
  if (block === null) return err(l1Error("unsupported-contract"));
  return ok({ inputBox, inputBoxBlock: blockNumber(block) });
}

/** A contract that reverts does not have the function; one that is not there answers `0x`. */
async function inspectContract(
  rpc: Rpc,
  to: Address,
  data: string,
): Promise<Result<unknown, L1Error>> {
  const answer = await rpc(call(to, data, "latest"));
  if (answer.ok || answer.error.reason !== "reverted") return answer;
  return err(l1Error("unsupported-contract", answer.error.code));
}

/** Without a nonce, so that transactions in flight do not matter. */
function estimateGas(
  rpc: Rpc,
  transaction: { readonly from: Address; readonly to: Address; readonly data: string },
): Promise<Result<bigint, L1Error>> {
  const params = [transaction, "latest"];
  return ask(rpc, { method: "eth_estimateGas", params }, parseQuantity);
}

function call(to: Address, data: string, at: string): RpcCall {
  return { method: "eth_call", params: [{ to, data }, at] };
}

function blockTag(at: string | BlockNumber): string {
  return typeof at === "number" ? quantity(at) : at;
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`;
}
