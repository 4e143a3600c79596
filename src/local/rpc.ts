/** JSON-RPC to a chain on this machine. Not for a provider: no retries, and errors carry its text. */

export type Rpc = <T>(method: string, params?: readonly unknown[]) => Promise<T>;

/** Long enough for the dump of a chain of many hours. */
const TIMEOUT_MS = 30_000;

/** The answer's type is the caller's knowledge of the method. Throws on an error answer. */
export function rpcOf(url: string): Rpc {
  return async <T>(method: string, params: readonly unknown[] = []): Promise<T> => {
    const answer: { result: T; error?: { message: string } } = JSON.parse(
      await ask(url, method, params),
    );
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  };
}

async function ask(url: string, method: string, params: readonly unknown[]): Promise<string> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal,
    });
    return await response.text();
  } catch (error) {
    if (signal.aborted) {
      throw new Error(`${method}: no answer within ${TIMEOUT_MS / 1000} s`, { cause: error });
    }
    throw error;
  }
}

/** A JSON-RPC quantity. */
export function quantity(value: number | bigint): `0x${string}` {
  return `0x${value.toString(16)}`;
}
