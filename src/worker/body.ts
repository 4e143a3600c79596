/** Reads a request's body up to a bound, whatever its headers claim. */

import { readBytes } from "../sdk/read-bytes.ts";

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
  if (declared === null) return await readBytes(request, bytesMax);
  if (!(Number(declared) <= bytesMax)) return null;
  const bytes = new Uint8Array(await request.arrayBuffer());
  return bytes.length <= bytesMax ? bytes : null;
}
