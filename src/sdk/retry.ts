/**
 * When a request is made again, and after how long.
 *
 * Everything here may be repeated: reads change nothing, and an op that is submitted twice has one effect
 * (I4). Pauses are random, so that many clients that failed together do not come back together.
 */

import { BatonError } from "./errors.ts";

export type RetryPolicy = { readonly limitMs: number; readonly attemptsMax: number };

export const DEFAULT_RETRY: RetryPolicy = { limitMs: 60_000, attemptsMax: 10 };

const FIRST_PAUSE_MS = 200;
const PAUSE_MS_MAX = 10_000;
/** Longest that a server's word is taken for. */
const RETRY_AFTER_S_MAX = 300;

/** Throws what the last attempt threw: at once when another one would not help or would come too late. */
export async function retrying<T>(
  attempt: () => Promise<T>,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<T> {
  const startedMs = Date.now();
  for (let failures = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      failures += 1;
      if (!isTransient(error) || failures >= policy.attemptsMax) throw error;
      const pauseMs = pauseAfter(failures, error.retryAfterS);
      if (Date.now() + pauseMs > startedMs + policy.limitMs) throw error;
      await sleep(pauseMs, signal);
    }
  }
}

/** Whether the same request may be answered otherwise in a while. */
export function isTransient(error: unknown): error is BatonError {
  if (!(error instanceof BatonError)) return false;
  return error.code === "UNREACHABLE" || error.status === 429 || (error.status ?? 0) >= 500;
}

/** Between half of a time that doubles with each failure and the whole; never before the server's own word. */
export function pauseAfter(failures: number, retryAfterS: number | null = null): number {
  const wholeMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 16), PAUSE_MS_MAX);
  const jitter = Math.random();
  const ownMs = wholeMs * (0.5 + jitter / 2);
  const askedMs = Math.min(retryAfterS ?? 0, RETRY_AFTER_S_MAX) * 1_000;
  return askedMs > ownMs ? askedMs + (jitter * wholeMs) / 4 : ownMs;
}

/** Rejects with the signal's reason as soon as that aborts. */
export function sleep(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, pauseMs);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** What an aborted call throws: the signal's own reason, an error or not. */
export function reasonOf(signal: AbortSignal | undefined): unknown {
  return signal?.reason;
}
