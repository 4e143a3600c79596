/** Reads a stream whole, up to a bound: a file, stdin, or what a server sends. */

/** Null when there are more than `bytesMax`. Throws what the stream throws. */
export async function readBounded(
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const part of source) {
    total += part.length;
    if (total > bytesMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
