/**
 * One JSON-RPC endpoint: a method and its parameters in, the untrusted result or an `L1Error` out.
 *
 * viem's `http` transport without its retries: a tick that fails is repeated by its alarm (L4). The
 * timeout is ours, because viem's ends when the headers are in and a stalled body would wait for
 * ever. Redirects are not followed: the https rule was checked on the configured URL only.
 */

import { http } from "viem";
import { err, ok, type Result } from "../core/types/result.ts";
import { transportError } from "./errors.ts";
import type { L1Error } from "./l1.ts";

export type FetchFunction = (
  input: string | URL | Request,
  init?: RequestInit,
) => Promise<Response>;

export type RpcCall = {
  readonly method: string;
  readonly params: readonly unknown[];
  /** Errors of this call; default `transportError`. */
  readonly toError?: (thrown: unknown) => L1Error;
};

export type Rpc = (call: RpcCall) => Promise<Result<unknown, L1Error>>;

export type RpcOptions = {
  readonly url: string;
  /** From the request to the last byte of the answer. */
  readonly timeoutMs: number;
  /** A longer answer is abandoned as `range-too-long`. */
  readonly answerBytesMax: number;
  readonly fetchFn: FetchFunction | undefined;
};

export function connectRpc(options: RpcOptions): Rpc {
  const { request } = http(options.url, {
    fetchFn: options.fetchFn,
    fetchOptions: { redirect: "manual" },
    maxResponseBodySize: options.answerBytesMax,
    retryCount: 0,
    timeout: 0,
  })({});
  return async ({ method, params, toError = transportError }) => {
    try {
      const signal = AbortSignal.timeout(options.timeoutMs);
      return ok<unknown>(await request({ method, params }, { signal }));
    } catch (thrown) {
      return err(toError(thrown));
    }
  };
}
