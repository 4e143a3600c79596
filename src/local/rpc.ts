/** JSON-RPC to a chain on this machine. Not for a provider: no retries, and errors carry its text. */

export type Rpc = <T>(method: string, params?: readonly unknown[]) => Promise<T>;

/** Long enough for the dump of a chain of many hours. */
const TIMEOUT_MS = 30_000;

/** The answer's type is the caller's knowledge of the method. Throws on an error answer. */
export function rpcOf(url: string): Rpc {
  return async <T>(method: string, params: readonly unknown[] = []): Promise<T> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer: { result: T; error?: { message: string } } = JSON.parse(await response.text());
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  };
}

/** A JSON-RPC quantity. */
export function quantity(value: number | bigint): `0x${string}` {
  return `0x${value.toString(16)}`;
}
