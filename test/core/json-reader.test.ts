/** The strict JSON reader: the same grammar as `JSON.parse`, with the typed reader's refusals. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonReader } from "../../src/core/api/json-reader.ts";
import { size } from "../support/size.ts";

const U32_MAX = 0xffff_ffff;

function unsigned(text: string, max = U32_MAX): number | null {
  const read = new JsonReader(text);
  const value = read.unsigned(max);
  return read.atEnd() ? value : null;
}

function string(text: string): string | null {
  const read = new JsonReader(text);
  const value = read.string();
  return read.atEnd() ? value : null;
}

/** Whether the whole text is one JSON value, by stepping over it. */
function skips(text: string): boolean {
  const read = new JsonReader(text);
  return read.skip() && read.atEnd();
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("unsigned", () => {
  test.each([
    ["0", 0],
    [" \n\r\t7 ", 7],
    ["4294967295", U32_MAX],
  ])("%j is %j", (text, value) => expect(unsigned(text)).toBe(value));

  test.each([
    ["4294967296", "beyond the bound"],
    ["340282366920938463463374607431768211456", "beyond any integer"],
    ["1.0", "a fraction, even of zero"],
    ["1e2", "an exponent"],
    ["1E0", "an exponent"],
    ["-1", "a sign"],
    ["-0", "minus zero, which a typed reader takes for a float"],
    ["+1", "not JSON"],
    ["01", "a leading zero"],
    ["", "nothing"],
    ['"1"', "a string"],
    ["null", "null"],
    ["true", "a boolean"],
    ["1 2", "two values"],
    ["0x1", "not JSON"],
    ["\u00a01", "white space that JSON has not"],
    ["\ufeff1", "a byte order mark"],
  ])("refuses %j: %s", (text) => expect(unsigned(text)).toBeNull());

  test("takes its own bound and not one more", () => {
    expect(unsigned("65535", 65_535)).toBe(65_535);
    expect(unsigned("65536", 65_535)).toBeNull();
  });
});

describe("string", () => {
  test.each([
    ['""', ""],
    ['"0xAb"', "0xAb"],
    ['"\\u0030x\\n\\"\\\\\\/"', '0x\n"\\/'],
    ['"\u007f\u2028é"', "\u007f\u2028é"],
    ['"\\ud83d\\ude00"', "\u{1f600}"],
  ])("%s", (text, value) => expect(string(text)).toBe(value));

  test.each([
    ['"', "unterminated"],
    ['"abc', "unterminated"],
    ['"abc\\"', "unterminated behind an escape"],
    ['"\\x41"', "an unknown escape"],
    ['"\\u12g4"', "an unfinished escape"],
    ['"\\u12"', "an escape cut by the quote"],
    ['"a\nb"', "a raw control character"],
    ['"\u001f"', "the last control character"],
    ['"\\ud83d"', "a lone surrogate"],
    ['"\\ude00\\ud83d"', "surrogates in the wrong order"],
    ["'a'", "single quotes"],
    ["1", "a number"],
  ])("refuses %s: %s", (text) => expect(string(text)).toBeNull());
});

describe("object", () => {
  test("calls back for each member in order, with unescaped names", () => {
    const read = new JsonReader('{"a":1,"\\u0062":[{}],"":"x"}');
    const names: string[] = [];
    const whole = read.object((name) => {
      names.push(name);
      return read.skip();
    });
    expect([whole, read.atEnd(), names]).toEqual([true, true, ["a", "b", ""]]);
  });

  test.each([
    "[]",
    "{",
    "{}}",
    '{"a"}',
    '{"a":1,}',
    '{,"a":1}',
    "{a:1}",
    '{"a":1 "b":2}',
    '{"a":1]',
  ])("refuses %s", (text) => {
    const read = new JsonReader(text);
    expect(read.object(() => read.skip()) && read.atEnd()).toBe(false);
  });

  test("stops at the first member that is not acceptable", () => {
    const read = new JsonReader('{"a":1,"b":2}');
    let calls = 0;
    const whole = read.object(() => {
      calls += 1;
      return false;
    });
    expect([whole, calls]).toEqual([false, 1]);
  });
});

describe("skip", () => {
  test.each([
    "[]",
    "[[],{}]",
    '{"a":[1,{"b":null}],"c":{}}',
    "1e400",
    "-0",
    '"\\ud800"',
    "[[[1],2],3]",
  ])("steps over %s", (text) => expect(skips(text)).toBe(true));

  test.each([
    "[",
    "[1",
    "[1,]",
    "[,1]",
    "[1}",
    '{"a":1]',
    "]",
    "nul",
    "truex",
    "1.",
    ".5",
    "1e",
    "[1 2]",
    "{1:2}",
  ])("refuses %s", (text) => expect(skips(text)).toBe(false));

  test("needs no stack for nesting", () => {
    const depth = 100_000;
    expect(skips("[".repeat(depth) + "]".repeat(depth))).toBe(true);
    expect(skips("[".repeat(depth) + "]".repeat(depth - 1))).toBe(false);
    expect(skips(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`)).toBe(true);
  });

  test("accepts every value that JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, "\t"), (value, indent) => {
        expect(skips(JSON.stringify(value, null, indent))).toBe(true);
      }),
      { numRuns: size(300, 20_000) },
    );
  });

  test("agrees with JSON.parse on damaged texts", () => {
    const fragment = fc.constantFrom(
      ...'{}[]:,"\\ \n-+.eE01',
      "null",
      "true",
      '"a"',
      '"\\u00e9"',
      '{"a":',
      "\u0000",
      "\u00a0",
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
        const text = parts.join("");
        expect(skips(text)).toBe(parses(text));
      }),
      { numRuns: size(2_000, 200_000) },
    );
  });
});
