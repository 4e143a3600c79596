/** Reads a request's body up to a bound, whatever its headers claim. */

/**
 * The body's bytes; null when there are more than `bytesMax`.
 *
 * A declared length bounds what the runtime hands over, so that body is taken in one piece: the
 * usual case, and a third cheaper than a stream. Without one the stream is counted, and at most one
 * chunk beyond the bound is read.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array | null> {
  if (request.body === null) return new Uint8Array(0);
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (!(Number(declared) <= bytesMax)) return null;
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.length <= bytesMax ? bytes : null;
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = request.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const chunk: Uint8Array = next.value;
    total += chunk.length;
    if (total > bytesMax) {
      await reader.cancel();
      return null;
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : concat(chunks, total);
}

function concat(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
