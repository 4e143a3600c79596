/** Reads the body of a message, which may come from anybody, up to a bound. */

/** Null when there are more than `bytesMax`. Throws what the stream throws. */
export async function readBytes(
  { body }: Pick<Body, "body">,
  bytesMax: number,
): Promise<Uint8Array | null> {
  const reader = body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(parts, total);
    total += value.length;
    if (total > bytesMax) {
      await reader.cancel();
      return null;
    }
    parts.push(value);
  }
}

function joined(parts: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
