/** JSON that came from elsewhere: parsed without trust, read field by field. */

export type Json = Readonly<Record<string, unknown>>;

const utf8 = new TextDecoder();

/** Null unless the bytes are the text of a JSON object. */
export function parseJson(bytes: Uint8Array): Json | null {
  return objectOf(parseText(utf8.decode(bytes)));
}

/** `undefined`, which no JSON is, for a text that is none. */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // JSON.parse throws on malformed text and for no other reason.
    return undefined;
  }
}

export function objectOf(value: unknown): Json | null {
  return isObject(value) ? value : null;
}

/** A safe integer that is not negative; null otherwise. */
export function counterOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
