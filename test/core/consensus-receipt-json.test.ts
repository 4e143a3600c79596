/** The text of a receipt: one form, strict bounds, and no exception whatever it is given. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeHeader } from "../../src/core/chunk/header.ts";
import {
  formatReceipt,
  parseReceipt,
  RECEIPT_TEXT_MAX,
} from "../../src/core/consensus/receipt-json.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { example } from "../support/committee-example.ts";
import { exactly } from "../support/consensus-arbitraries.ts";
import { size } from "../support/size.ts";

const one = example();
const { certified } = one;

describe("[C2] the text", () => {
  const text = formatReceipt(certified);
  const json: Record<string, unknown> = JSON.parse(text);

  test("takes fields in any order and white space between them", () => {
    const reversed = Object.fromEntries(Object.entries(json).reverse());
    expect(parseReceipt(JSON.stringify(reversed, null, 2))).toEqual({ ok: true, value: certified });
  });

  test.each<[string, object]>([
    ["not a receipt", { version: 2 }],
    ["not a receipt", { version: "1" }],
    ["not a receipt", { index: -1 }],
    ["not a receipt", { index: 2 ** 32 }],
    ["not a receipt", { index: "1" }],
    ["not a receipt", { extra: 1 }],
    ["bad tier", { tier: "final" }],
    ["bad headers", { tier: "ordered" }],
    ["bad header", { header: `${json["header"]}00` }],
    ["bad header", { header: String(json["header"]).slice(0, -2) }],
    ["bad header", { header: String(json["header"]).toUpperCase() }],
    ["bad header", { header: `0x02${String(json["header"]).slice(4)}` }],
    ["bad scheme", { scheme: "bls12381" }],
    ["bad scheme", { scheme: "none" }],
    ["bad signature", { signature: "0x" }],
    ["bad signature", { signature: `${json["signature"]}00` }],
    ["bad event", { event: "0x" }],
    ["bad event", { event: String(json["event"]).slice(2) }],
    ["bad event", { event: `${json["event"]}${String(json["event"]).slice(2)}` }],
    ["bad path", { path: "0x00" }],
    ["bad path", { path: `0x${"00".repeat(33 * 32)}` }],
    ["bad headers", { headers: "0x00" }],
    ["bad headers", { headers: `0x${"02".repeat(145)}` }],
    ["bad certificate", { certificate: "0x" }],
    ["bad certificate", { certificate: `${json["certificate"]}00` }],
    ["bad certificate", { certificate: `0x${"00".repeat(8193)}` }],
  ])("is refused as %s with %j", (problem, change) => {
    expect(parseReceipt(JSON.stringify({ ...json, ...change }))).toEqual({
      ok: false,
      error: problem,
    });
  });

  test("each field is there once", () => {
    for (const name of Object.keys(json)) {
      const without = Object.fromEntries(Object.entries(json).filter(([field]) => field !== name));
      expect(parseReceipt(JSON.stringify(without)).ok).toBe(false);
      const twice = `{${JSON.stringify(name)}:${JSON.stringify(json[name])},${text.slice(1)}`;
      expect(parseReceipt(twice)).toEqual({ ok: false, error: "not a receipt" });
    }
  });

  test("is JSON of one object, and not too long", () => {
    for (const other of ["", "null", "[]", "{}", `${text}x`, `[${text}]`]) {
      expect(parseReceipt(other).ok).toBe(false);
    }
    const padded = text.padEnd(RECEIPT_TEXT_MAX, " ");
    expect(parseReceipt(padded).ok).toBe(true);
    expect(parseReceipt(`${padded} `)).toEqual({ ok: false, error: "too long" });
  });

  test("a path of 32 siblings and 10 000 headers are within its bounds", () => {
    const path = `0x${"00".repeat(32 * 32)}`;
    expect(parseReceipt(JSON.stringify({ ...json, path })).ok).toBe(true);
    const header = toHex(encodeHeader(one.chunks[0].header.header)).slice(2);
    const many = (count: number) => ({ ...json, headers: `0x${header.repeat(count)}` });
    expect(parseReceipt(JSON.stringify(many(10_000))).ok).toBe(true);
    expect(parseReceipt(JSON.stringify(many(10_001)))).toEqual({ ok: false, error: "bad headers" });
  });

  test("random text and random fields never throw", () => {
    const fields = fc.dictionary(
      fc.constantFrom(...Object.keys(json)),
      fc.oneof(fc.string(), fc.nat(), exactly(40).map(toHex), fc.constant(null)),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fields.map((one) => JSON.stringify({ ...json, ...one })),
        ),
        (some) => {
          const parsed = parseReceipt(some);
          if (parsed.ok) expect(parseReceipt(formatReceipt(parsed.value))).toEqual(parsed);
        },
      ),
      { numRuns: size(300, 20_000) },
    );
  });
});
