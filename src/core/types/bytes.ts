/** Byte strings: comparison and order. Never locale, never text. */

import { assert } from "./assert.ts";

/** Whether both hold the same bytes. Not constant time: nothing compared here is secret. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** One byte per character. Asserts ASCII; no `TextEncoder`, which not every engine has. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => {
    const code = char.charCodeAt(0);
    assert(code < 0x80, "the text is ASCII");
    return code;
  });
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
