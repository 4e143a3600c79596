/**
 * Faults of an RPC endpoint as `L1Error`s: by viem's error classes and by JSON-RPC code.
 *
 * viem's messages hold the URL, with the provider's key in it, and the provider's own text; nothing
 * of either leaves this file. Text decides in one place only: nodes refuse a transaction with one
 * shared code and say in words why, see `broadcastError`.
 */

import { BaseError, ResponseBodyTooLargeError, RpcRequestError, TimeoutError } from "viem";
import type { L1Error } from "./l1.ts";

/** JSON-RPC code of `eth_call` and `eth_estimateGas` for a reverted execution. */
const REVERTED_CODE = 3;
/** Codes that JSON-RPC leaves to servers; every node refuses transactions with one of them. */
const SERVER_CODE_MIN = -32_099;
const SERVER_CODE_MAX = -32_000;

type BroadcastReason = Extract<
  L1Error["reason"],
  "already-known" | "underpriced" | "nonce-too-low" | "insufficient-funds"
>;

/**
 * The words of geth, reth, Erigon, Nethermind, Besu and anvil. A wording that is not here reads as
 * `rpc-error`, for which the submitter waits for the deadline, so a miss costs time and nothing else.
 */
const BROADCAST_WORDINGS: readonly (readonly [RegExp, BroadcastReason])[] = [
  [/already ?known|known transaction|already imported/i, "already-known"],
  [/underpriced|replacement ?not ?allowed|fee ?too ?low/i, "underpriced"],
  [/nonce too low|old ?nonce|nonce is below/i, "nonce-too-low"],
  [/insufficient ?funds|upfront cost exceeds/i, "insufficient-funds"],
];

export function l1Error(reason: L1Error["reason"], code: number | null = null): L1Error {
  return { reason, code };
}

/** What the transport threw, for any method. A body that is no JSON-RPC answer is `unreachable`. */
export function transportError(thrown: unknown): L1Error {
  const answer = rpcAnswer(thrown);
  if (answer !== null) {
    return l1Error(answer.code === REVERTED_CODE ? "reverted" : "rpc-error", answer.code);
  }
  if (findError(thrown, isTimeout) !== null) return l1Error("timeout");
  // Our own limit on an answer's bytes: asking for fewer blocks is the way out.
  if (findError(thrown, isTooLarge) !== null) return l1Error("range-too-long");
  return l1Error("unreachable");
}

/** What `eth_sendRawTransaction` threw. */
export function broadcastError(thrown: unknown): L1Error {
  const error = transportError(thrown);
  const answer = rpcAnswer(thrown);
  if (answer === null || answer.code === null) return error;
  if (answer.code < SERVER_CODE_MIN || answer.code > SERVER_CODE_MAX) return error;
  const match = BROADCAST_WORDINGS.find(([wording]) => wording.test(answer.details));
  return match === undefined ? error : l1Error(match[1], answer.code);
}

/** `error` of `eth_getLogs`, as `range-too-long` when its code is one of `longRangeCodes`. */
export function rangeError(error: L1Error, longRangeCodes: readonly number[]): L1Error {
  if (error.code === null || !longRangeCodes.includes(error.code)) return error;
  return l1Error("range-too-long", error.code);
}

/** The endpoint's own error object; null when it sent none. Its fields may be of any type. */
function rpcAnswer(thrown: unknown): { code: number | null; details: string } | null {
  const error = findError(thrown, (one) => one instanceof RpcRequestError);
  if (!(error instanceof RpcRequestError)) return null;
  const code: unknown = error.code;
  const details: unknown = error.details;
  return {
    code: typeof code === "number" && Number.isSafeInteger(code) ? code : null,
    details: typeof details === "string" ? details : "",
  };
}

function findError(thrown: unknown, is: (one: unknown) => boolean): unknown {
  if (is(thrown)) return thrown;
  return thrown instanceof BaseError ? thrown.walk(is) : null;
}

function isTooLarge(one: unknown): boolean {
  return one instanceof ResponseBodyTooLargeError;
}

/** The platform's own error carries a name, not a class, for what `AbortSignal.timeout` aborted. */
function isTimeout(one: unknown): boolean {
  if (one instanceof TimeoutError) return true;
  return one instanceof Error && one.name === "TimeoutError";
}
