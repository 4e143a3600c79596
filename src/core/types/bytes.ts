/** Byte strings: comparison and order. Never locale, never text. */

/** Whether both hold the same bytes. Not constant time: nothing compared here is secret. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
