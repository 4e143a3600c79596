/**
 * A cursor over JSON text that reads a known shape and steps over everything else.
 *
 * `JSON.parse` cannot serve a protocol: it reads 1.0 as 1 and keeps the last of two equal names.
 * This reader accepts what a strict typed reader accepts: RFC 8259, unsigned integers as digits
 * only (no fraction, exponent or sign, so no -0), well-formed strings. Reads answer null and
 * `skip` answers false when the text is not that; the cursor is of no use afterwards.
 */

import { assert } from "../types/assert.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const ESCAPE = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;
const DIGITS = /^[0-9]+$/;

export class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** True when only white space is left. */
  atEnd(): boolean {
    return this.#peek() === "";
  }

  /**
   * Reads an object. `member` is called for each name with the cursor at its value, which it must
   * read or skip; it answers whether the value was acceptable.
   */
  object(member: (name: string) => boolean): boolean {
    if (!this.#take("{")) return false;
    if (this.#take("}")) return true;
    do {
      const name = this.string();
      if (name === null || !this.#take(":") || !member(name)) return false;
    } while (this.#take(","));
    return this.#take("}");
  }

  /** A string without lone surrogates. */
  string(): string | null {
    const token = this.#stringToken();
    if (token === null) return null;
    const value = token.includes("\\") ? decodeString(token) : token.slice(1, -1);
    return value.isWellFormed() ? value : null;
  }

  /** An integer from 0 to `max`, a safe integer, written as digits. */
  unsigned(max: number): number | null {
    this.#peek();
    const token = this.#match(NUMBER);
    if (token === null || !DIGITS.test(token)) return null;
    const value = Number(token);
    return value <= max ? value : null;
  }

  /** Steps over one value. Iterative: the client chooses the depth, and the stack is ours. */
  skip(): boolean {
    const open: string[] = [];
    for (;;) {
      const closer = this.#opened();
      if (closer === null) {
        if (!this.#scalar()) return false;
      } else if (!this.#take(closer)) {
        open.push(closer);
        if (closer === "}" && !this.#name()) return false;
        continue;
      }
      while (open.length > 0 && this.#take(open.at(-1) ?? "")) open.pop();
      if (open.length === 0) return true;
      if (!this.#take(",") || (open.at(-1) === "}" && !this.#name())) return false;
    }
  }

  /** The closer of the container that starts here, its opener consumed; null at a scalar. */
  #opened(): "}" | "]" | null {
    if (this.#take("{")) return "}";
    return this.#take("[") ? "]" : null;
  }

  #name(): boolean {
    this.#peek();
    return this.#stringToken() !== null && this.#take(":");
  }

  #scalar(): boolean {
    if (this.#peek() === '"') return this.#stringToken() !== null;
    return (this.#match(NUMBER) ?? this.#match(LITERAL)) !== null;
  }

  /** A string with its quotes and escapes; null when an escape or a character is not allowed. */
  #stringToken(): string | null {
    if (this.#peek() !== '"') return null;
    const start = this.#at;
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit < FIRST_PRINTABLE) return null;
      if (unit === QUOTE) {
        this.#at += 1;
        return this.#text.slice(start, this.#at);
      }
      if (unit !== BACKSLASH) continue;
      this.#at += 1;
      if (this.#match(ESCAPE) === null) return null;
      this.#at -= 1;
    }
    return null;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const token = pattern.exec(this.#text)?.[0] ?? null;
    if (token !== null) this.#at += token.length;
    return token;
  }

  /** The next character after white space, not consumed; empty at the end. */
  #peek(): string {
    for (;;) {
      const next = this.#text.charAt(this.#at);
      if (next !== " " && next !== "\n" && next !== "\r" && next !== "\t") return next;
      this.#at += 1;
    }
  }

  #take(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at += 1;
    return true;
  }
}

/** The value of a string token whose escapes were checked, so `JSON.parse` cannot throw. */
function decodeString(token: string): string {
  const value: unknown = JSON.parse(token);
  assert(typeof value === "string", "a string token holds a string");
  return value;
}
