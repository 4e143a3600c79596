/** Rows 3 to 14 of P§4.1: status, code and text of every refusal of `POST /tx`. */

import { describe, expect, test } from "vitest";
import { invalidJson } from "../../src/core/api/tx-request.ts";
import { fromHex } from "../../src/core/types/hex.ts";
import { err, type Result } from "../../src/core/types/result.ts";
import { body, check, MAX_DATA, ORDER, parse, signature, signed } from "../support/signed-op.ts";
import vectors from "../vectors/eip712.json" with { type: "json" };

const ZERO = "00".repeat(32);

function refused(status: number, code: string, message: string): Result<never, unknown> {
  return err({ status, code, message, retryAfterS: null });
}

const bad = (message: string) => refused(400, "BAD_REQUEST", message);
const unsigned = (message: string) => refused(400, "INVALID_SIGNATURE", message);
const notJson = bad("invalid JSON");

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
