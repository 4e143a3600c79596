/** Rows 3 to 14 of P§4.1: status, code, text and order of every refusal of `POST /tx`. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Rejection } from "../../src/core/api/rejection.ts";
import { invalidJson, parseTxRequest, type TxRequest } from "../../src/core/api/tx-request.ts";
import { verifySender } from "../../src/core/api/verify-sender.ts";
import { fromHex, parseAddress, toHex } from "../../src/core/types/hex.ts";
import { err, type Result } from "../../src/core/types/result.ts";
import { recoverAddress } from "../../src/core/wire/signature.ts";
import { domainSeparator } from "../../src/core/wire/user-op.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/eip712.json" with { type: "json" };

const MAX_DATA = 64;

/** A signed op of the shared vectors, as a client sends it. */
const signed = {
  message: vectors.cases[0]?.message ?? expect.fail("the vectors hold a case"),
  signature: vectors.cases[0]?.signature ?? "",
  sender: vectors.cases[0]?.sender ?? "",
};
const verifyingContract =
  parseAddress(vectors.domain.verifyingContract) ?? expect.fail("the vectors hold an address");
const curve = { keccak: keccak_256, recoverAddress };
const separator = domainSeparator({ chainId: vectors.domain.chainId, verifyingContract });

type Difference = {
  readonly message?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
};

/** The signed op with one difference; `undefined` leaves a field out. */
function body({ message, ...rest }: Difference = {}): string {
  return JSON.stringify({ ...signed, message: { ...signed.message, ...message }, ...rest });
}

function parse(text: string): Result<TxRequest, Rejection> {
  return parseTxRequest(text, MAX_DATA);
}

/** Everything that the Worker does before it calls the object. */
function check(text: string): Result<unknown, Rejection> {
  const parsed = parse(text);
  return parsed.ok ? verifySender(parsed.value, separator, curve) : parsed;
}

function refused(status: number, code: string, message: string): Result<never, unknown> {
  return err({ status, code, message, retryAfterS: null });
}

const bad = (message: string) => refused(400, "BAD_REQUEST", message);
const unsigned = (message: string) => refused(400, "INVALID_SIGNATURE", message);
const notJson = bad("invalid JSON");

/** The vector's signature with other r, s or v. */
function signature({ r, s, v }: { r?: string; s?: string; v?: string }): string {
  const hex = signed.signature.slice(2);
  return `0x${r ?? hex.slice(0, 64)}${s ?? hex.slice(64, 128)}${v ?? hex.slice(128)}`;
}

const ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const ZERO = "00".repeat(32);

test("[I1] a well-formed op is read field by field", () => {
  expect(parse(body())).toEqual({
    ok: true,
    value: {
      sender: signed.sender.toLowerCase(),
      nonce: signed.message.nonce,
      maxFee: signed.message.max_fee,
      data: fromHex(signed.message.data),
      signature: fromHex(signed.signature),
    },
  });
});

test.each(vectors.cases.map((one) => [one.message.nonce, one] as const))(
  "[I2] the signer of vector op %i is its sender",
  (_nonce, { message, signature: text, sender }) => {
    const verified = check(JSON.stringify({ message, signature: text, sender }));
    expect(verified).toMatchObject({ ok: true, value: { sender: sender.toLowerCase() } });
  },
);

describe("[I1] row 3: invalid JSON", () => {
  test.each([
    "",
    " ",
    "null",
    "[]",
    '"text"',
    "{",
    body().slice(0, -1),
    `${body()}x`,
    `${body()}{}`,
    `\ufeff${body()}`,
    body().replaceAll('"', "'"),
    body().replace("{", "{,"),
  ])("syntax: %j", (text) => expect(parse(text)).toEqual(notJson));

  test.each(["signature", "sender"])("%s missing or not a string", (field) => {
    for (const value of [undefined, null, 1, true, {}, []]) {
      expect(parse(body({ [field]: value }))).toEqual(notJson);
    }
  });

  test.each(["nonce", "max_fee", "data"])("message.%s missing or null", (field) => {
    for (const value of [undefined, null, true, {}, "x"]) {
      expect(parse(body({ message: { [field]: value } }))).toEqual(notJson);
    }
  });

  test.each([undefined, null, 1, "x"])("message %j", (message) => {
    expect(parse(JSON.stringify({ ...signed, message }))).toEqual(notJson);
  });

  test("arrays in place of objects", () => {
    const { message, signature: text, sender } = signed;
    const positional = Object.values(message);
    expect(parse(JSON.stringify({ ...signed, message: positional }))).toEqual(notJson);
    expect(parse(JSON.stringify([message, text, sender]))).toEqual(notJson);
  });

  test.each([
    ["nonce", "4294967295", true],
    ["nonce", "4294967296", false],
    ["max_fee", "65535", true],
    ["max_fee", "65536", false],
    ["nonce", "0", true],
    ["nonce", "-1", false],
    ["nonce", "-0", false],
    ["nonce", "0.0", false],
    ["nonce", "1e2", false],
    ["max_fee", "1409.0", false],
    ["max_fee", '"1409"', false],
  ])("%s written %s: accepted %j", (field, text, accepted) => {
    const written = body().replace(new RegExp(`"${field}":\\d+`), `"${field}":${text}`);
    expect(parse(written).ok).toBe(accepted);
    if (!accepted) expect(parse(written)).toEqual(notJson);
  });

  test.each([
    body().replace('"nonce":0', '"nonce":0,"nonce":0'),
    body().replace('"nonce":0', '"nonce":0,"\\u006eonce":0'),
    body().replace('"sender"', '"sender":"","sender"'),
    body().replace('"message"', '"message":{},"message"'),
  ])("a field that repeats: %s", (text) => expect(parse(text)).toEqual(notJson));

  test("unknown fields are stepped over wherever they are, also when they repeat", () => {
    const extra = { deep: [{ nonce: 9 }], nothing: null };
    expect(parse(body({ extra, message: { extra, chain: 1.5 } }))).toEqual(parse(body()));
    const twice = body().replace("{", '{"x":1,"x":2,');
    expect(parse(twice)).toEqual(parse(body()));
  });

  test("the order of fields and white space do not matter", () => {
    const { message, signature: text, sender } = signed;
    const reordered = JSON.stringify({ sender, message, signature: text }, null, "\t");
    expect(parse(` \r\n${reordered}\n `)).toEqual(parse(body()));
  });

  test.each([
    ["0x", 0],
    ["", 0],
    ["00ff", 2],
    ["0xAbCd", 2],
  ])("data %j is %i bytes", (data, length) => {
    const parsed = parse(body({ message: { data } }));
    expect(parsed.ok && parsed.value.data.length).toBe(length);
  });

  test.each(["0x0", "0", "0xzz", "0X00", "0x 0", "0x0x00", "x", "0xé0"])("data %j", (data) => {
    expect(parse(body({ message: { data } }))).toEqual(notJson);
  });

  test("data as an array of numbers", () => {
    expect(parse(body({ message: { data: [0, 255] } }))).toEqual(notJson);
  });

  test("the text repeats nothing of the request", () => {
    expect(invalidJson.message).toBe("invalid JSON");
  });
});

describe("[I1] rows 4 to 6: lengths", () => {
  const row4 = bad("signature must be 132 hex chars (0x + 65 bytes)");
  const row5 = bad("sender must be 42 hex chars (0x + 20 bytes)");

  test.each(["", "0x", signed.signature.slice(0, -1), `${signed.signature}0`])(
    "signature %j",
    (text) => expect(parse(body({ signature: text }))).toEqual(row4),
  );

  test.each(["", "0x", signed.sender.slice(0, -1), `${signed.sender}0`])("sender %j", (sender) =>
    expect(parse(body({ sender }))).toEqual(row5),
  );

  test("lengths count bytes, as the models count them", () => {
    expect(parse(body({ sender: `0x${"é".repeat(40)}` }))).toEqual(row5);
    expect(parse(body({ sender: `0x${"é".repeat(20)}` }))).not.toEqual(row5);
    expect(parse(body({ sender: `0x${"€".repeat(13)}0` }))).not.toEqual(row5);
    expect(parse(body({ sender: `0x${"\u{1f600}".repeat(10)}` }))).not.toEqual(row5);
    expect(parse(body({ signature: `0x${"é".repeat(130)}` }))).toEqual(row4);
  });

  test("data at the application's bound passes, one byte more does not", () => {
    const data = (bytes: number) => body({ message: { data: `0x${"ab".repeat(bytes)}` } });
    expect(parse(data(MAX_DATA)).ok).toBe(true);
    expect(parse(data(MAX_DATA + 1))).toEqual(
      bad("user op payload too large: max 64 bytes, got 65 bytes"),
    );
  });
});

describe("[I1] rows 7 to 14: signature and sender", () => {
  test.each(["0X", "00", "  "])("row 7: signature with prefix %j", (prefix) => {
    const text = prefix + signed.signature.slice(2);
    expect(parse(body({ signature: text }))).toEqual(bad("hex string must start with 0x"));
  });

  test.each(["g", "é", " "])("row 8: signature with %j among its digits", (character) => {
    const bytes = new TextEncoder().encode(character).length;
    const text = signed.signature.slice(0, 132 - bytes) + character;
    expect(parse(body({ signature: text }))).toEqual(bad("invalid hex: not a hexadecimal digit"));
  });

  test.each([
    ["00", true],
    ["01", true],
    ["02", false],
    ["1a", false],
    ["1b", true],
    ["1c", true],
    ["1d", false],
    ["22", false],
    ["23", true],
    ["24", true],
    ["ff", true],
  ])("row 10: v = 0x%s is accepted %j", (v, accepted) => {
    const parsed = parse(body({ signature: signature({ v }) }));
    if (accepted) expect(parsed.ok).toBe(true);
    else expect(parsed).toEqual(unsigned("invalid signature parity"));
  });

  test.each([
    ["r zero", { r: ZERO }],
    ["s zero", { s: ZERO }],
    ["r the order", { r: ORDER }],
    ["s the order", { s: ORDER }],
    ["s all ones", { s: "ff".repeat(32) }],
  ])("row 11: %s", (_name, parts) => {
    expect(parse(body({ signature: signature(parts) }))).toEqual(unsigned("invalid signature"));
  });

  test("row 11: one below the order is a scalar", () => {
    const below = `${ORDER.slice(0, -1)}0`;
    expect(parse(body({ signature: signature({ s: below }) })).ok).toBe(true);
  });

  test("row 12: sender without 0x, then with bad digits", () => {
    const upper = `0X${signed.sender.slice(2)}`;
    expect(parse(body({ sender: upper }))).toEqual(bad("hex string must start with 0x"));
    const odd = `${signed.sender.slice(0, -1)}g`;
    expect(parse(body({ sender: odd }))).toEqual(bad("invalid hex: not a hexadecimal digit"));
  });

  test("row 13: an r that is no point of the curve", () => {
    // x = 5 has no square root on secp256k1.
    const r = "05".padStart(64, "0");
    expect(check(body({ signature: signature({ r }) }))).toEqual(unsigned("cannot recover sender"));
  });

  test("row 14: the signature of another op, or of another sender", () => {
    const mismatch = unsigned("sender mismatch");
    expect(check(body({ message: { nonce: 1 } }))).toEqual(mismatch);
    expect(check(body({ sender: `0x${"11".repeat(20)}` }))).toEqual(mismatch);
  });

  test("letter case and checksum of the sender do not matter", () => {
    for (const sender of [
      signed.sender.toLowerCase(),
      `0x${signed.sender.slice(2).toUpperCase()}`,
    ]) {
      expect(check(body({ sender }))).toMatchObject({ ok: true });
    }
  });

  test("high s with the other parity is the same signer (P§2.1)", () => {
    const s = BigInt(`0x${signed.signature.slice(66, 130)}`);
    const high = (BigInt(`0x${ORDER}`) - s).toString(16).padStart(64, "0");
    const v = signed.signature.endsWith("1b") ? "1c" : "1b";
    expect(check(body({ signature: signature({ s: high, v }) }))).toMatchObject({ ok: true });
  });
});

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
