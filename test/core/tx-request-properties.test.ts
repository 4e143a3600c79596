/** The order of P§4.1's rows, and what holds of `POST /tx` whatever the body. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/types/hex.ts";
import {
  body,
  check,
  type Difference,
  MAX_DATA,
  parse,
  signature,
  signed,
} from "../support/signed-op.ts";
import { size } from "../support/size.ts";

const ZERO = "00".repeat(32);

test("[I1] of two defects the earlier row answers", () => {
  /** Each difference breaks its row only; row n is therefore shown to precede row n + 1. */
  const long = `0x${"ab".repeat(MAX_DATA + 1)}`;
  const rows: readonly [string, Difference][] = [
    ["invalid JSON", { message: { nonce: -1 } }],
    ["signature must be 132 hex chars (0x + 65 bytes)", { signature: "0x" }],
    ["sender must be 42 hex chars (0x + 20 bytes)", { sender: "0x" }],
    ["user op payload too large: max 64 bytes, got 65 bytes", { message: { data: long } }],
    ["hex string must start with 0x", { signature: `0X${signed.signature.slice(2)}` }],
    ["invalid hex: not a hexadecimal digit", { signature: signature({ r: "zz".repeat(32) }) }],
    ["invalid signature parity", { signature: signature({ r: ZERO, v: "02" }) }],
    ["invalid signature", { signature: signature({ r: ZERO }) }],
    ["hex string must start with 0x", { sender: `0X${signed.sender.slice(2)}` }],
    ["cannot recover sender", { signature: signature({ r: "05".padStart(64, "0") }) }],
    ["sender mismatch", {}],
  ];
  const messageOf = (difference: Difference) => {
    const checked = check(body({ sender: `0x${"11".repeat(20)}`, ...difference }));
    return checked.ok ? "accepted" : checked.error.message;
  };
  for (const [first, [message, difference]] of rows.entries()) {
    for (const [, later] of rows.slice(first)) {
      const both = {
        ...later,
        ...difference,
        message: { ...later.message, ...difference.message },
      };
      expect([first, messageOf(both)]).toEqual([first, message]);
    }
  }
});

describe("[I1] whatever the body", () => {
  const statuses = new Set([400]);

  function holds(text: string): void {
    const parsed = parse(text);
    if (!parsed.ok) {
      expect(statuses.has(parsed.error.status)).toBe(true);
      return;
    }
    expect(parsed.value.signature.length).toBe(65);
    expect(parsed.value.sender).toMatch(/^0x[0-9a-f]{40}$/);
    expect(parsed.value.data.length).toBeLessThanOrEqual(MAX_DATA);
  }

  test("any text is answered, never thrown at", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), holds), {
      numRuns: size(1_000, 100_000),
    });
  });

  test("so is any damage to a valid body", () => {
    const edit = fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...'"\\{}[]:,0gx.e-\u0000é'));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let text = body();
        for (const [position, cut, character] of edits) {
          const at = position % text.length;
          text = text.slice(0, at) + character + text.slice(at + cut);
        }
        holds(text);
      }),
      { numRuns: size(2_000, 200_000) },
    );
  });

  test("and any JSON in the place of any field", () => {
    const field = fc.constantFrom("signature", "sender", "message", "nonce", "max_fee", "data");
    fc.assert(
      fc.property(field, fc.jsonValue(), (name, value) => {
        const inner = ["nonce", "max_fee", "data"].includes(name);
        const text = inner
          ? body({ message: { [name]: value } })
          : JSON.stringify({ ...signed, [name]: value });
        holds(text);
      }),
      { numRuns: size(1_000, 100_000) },
    );
  });

  test("an accepted body says what JSON.parse says", () => {
    const op = fc.record({
      nonce: fc.nat(0xffff_ffff),
      max_fee: fc.nat(0xffff),
      data: fc.uint8Array({ maxLength: MAX_DATA }).map(toHex),
    });
    fc.assert(
      fc.property(op, fc.dictionary(fc.string(), fc.jsonValue()), (message, extra) => {
        const text = JSON.stringify({ ...extra, ...signed, message: { ...extra, ...message } });
        const parsed = parse(text);
        expect(parsed.ok && { nonce: parsed.value.nonce, max_fee: parsed.value.maxFee }).toEqual({
          nonce: message.nonce,
          max_fee: message.max_fee,
        });
        expect(parsed.ok && toHex(parsed.value.data)).toBe(message.data);
      }),
      { numRuns: size(500, 50_000) },
    );
  });
});
