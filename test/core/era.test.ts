/** Eras: UUIDv4 text and bytes. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eraFromRandom, formatEra, parseEra } from "../../src/core/chunk/era.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import { fromHex, toHex } from "../../src/core/types/hex.ts";
import { size } from "../support/size.ts";

const ERA = "0b3c9f52-54a3-4b8e-9d61-0a2f6f1d7c11";

describe("[F5] the era", () => {
  test("text and bytes", () => {
    const bytes = fromHex("0x0b3c9f5254a34b8e9d610a2f6f1d7c11");
    expect(formatEra(bytes)).toBe(ERA);
    expect(parseEra(ERA)).toEqual(bytes);
    expect(parseEra(ERA.toUpperCase())).toEqual(bytes);
  });

  test("every random era is a UUIDv4 that reads back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
        const before = toHex(random);
        const era = eraFromRandom(random);
        expect(toHex(random)).toBe(before);
        expect(parseEra(formatEra(era))).toEqual(era);
      }),
      { numRuns: size(200, 10_000) },
    );
  });

  test("version and variant are set, all other bits are the caller's", () => {
    const zeros = eraFromRandom(new Uint8Array(16));
    const ones = eraFromRandom(new Uint8Array(16).fill(0xff));
    expect(formatEra(zeros)).toBe("00000000-0000-4000-8000-000000000000");
    expect(formatEra(ones)).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
  });

  test.each([
    ["another version", "0b3c9f52-54a3-1b8e-9d61-0a2f6f1d7c11"],
    ["a variant below", "0b3c9f52-54a3-4b8e-7d61-0a2f6f1d7c11"],
    ["a variant above", "0b3c9f52-54a3-4b8e-cd61-0a2f6f1d7c11"],
    ["no dashes", ERA.replaceAll("-", "")],
    ["one digit less", ERA.slice(1)],
    ["one digit more", `${ERA}0`],
    ["braces", `{${ERA}}`],
    ["a line end", `${ERA}\n`],
    ["no digit", ERA.replace("0b", "0g")],
    ["nothing", ""],
  ])("%s is refused", (_what, text) => {
    expect(parseEra(text)).toBeNull();
  });

  test.each([0, 15, 17])("%i bytes are a bug", (length) => {
    expect(() => formatEra(new Uint8Array(length))).toThrow(InvariantError);
    expect(() => eraFromRandom(new Uint8Array(length))).toThrow(InvariantError);
  });
});
