/** Query parameters and paths of the read routes: every bound from both sides. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  parseFeedQuery,
  parseSenderQuery,
  parseSubscribeQuery,
  parseTransactionPath,
} from "../../src/core/api/query.ts";
import { size } from "../support/size.ts";

const ERA = "0b3c9f52-54a3-4b8e-9d61-0a2f6f1d7c11";
const ADDRESS = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

function parameters(query: string): (name: string) => string | null {
  const search = new URLSearchParams(query);
  return (name) => search.get(name);
}

describe("[F1] from_offset", () => {
  test.each([
    ["", 0],
    ["from_offset=0", 0],
    ["from_offset=00017", 17],
    ["from_offset=9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("%j reads %j", (query, fromOffset) => {
    const parsed = parseSubscribeQuery(parameters(query));
    expect(parsed).toEqual({ ok: true, value: { fromOffset, era: null, isBatched: false } });
  });

  test.each(["9007199254740992", "18446744073709551615"])("%s is beyond every head", (text) => {
    const parsed = parseSubscribeQuery(parameters(`from_offset=${text}`));
    expect(parsed.ok && parsed.value.fromOffset).toBe(Number.MAX_SAFE_INTEGER);
  });

  test.each(["18446744073709551616", "-1", "1.0", "1e2", "", "0x1", "abc", "+1", " 1"])(
    "%j is no u64",
    (text) => {
      const query = parameters(`from_offset=${encodeURIComponent(text)}`);
      const error = { status: 400, code: "BAD_REQUEST" };
      expect(parseSubscribeQuery(query)).toMatchObject({ ok: false, error });
      expect(parseFeedQuery(query)).toMatchObject({ ok: false, error });
    },
  );
});

describe("[F5] era", () => {
  test("is compared in lower case", () => {
    const parsed = parseFeedQuery(parameters(`era=${ERA.toUpperCase()}`));
    expect(parsed.ok && parsed.value.era).toBe(ERA);
  });

  test.each(["", "x", ERA.slice(1), `${ERA}0`, ERA.replaceAll("-", "")])("%j is refused", (era) => {
    expect(parseFeedQuery(parameters(`era=${era}`))).toMatchObject({
      ok: false,
      error: { status: 400, message: "era must be a UUID" },
    });
  });
});

describe("[F1] batch", () => {
  test.each([
    ["batch=0", false],
    ["batch=1", true],
  ])("%s", (query, isBatched) => {
    const parsed = parseSubscribeQuery(parameters(query));
    expect(parsed.ok && parsed.value.isBatched).toBe(isBatched);
  });

  test.each(["batch=", "batch=2", "batch=true"])("%s is refused", (query) => {
    expect(parseSubscribeQuery(parameters(query)).ok).toBe(false);
  });
});

describe("[F7] limit", () => {
  test.each([
    ["", 256],
    ["limit=1", 1],
    ["limit=1000", 1000],
  ])("%j reads %j", (query, limit) => {
    const parsed = parseFeedQuery(parameters(query));
    expect(parsed.ok && parsed.value.limit).toBe(limit);
  });

  test.each([
    "limit=0",
    "limit=1001",
    "limit=-1",
    "limit=",
    "limit=1.5",
    "limit=99999999999999999999999",
  ])("%s is refused", (query) => {
    expect(parseFeedQuery(parameters(query))).toMatchObject({
      ok: false,
      error: { status: 400, message: "limit must be an integer from 1 to 1000" },
    });
  });
});

describe("[I6] addresses and nonces", () => {
  test("any letter case of an address is the same sender", () => {
    const upper = `0x${ADDRESS.slice(2).toUpperCase()}`;
    expect(parseSenderQuery(parameters(`sender=${upper}`))).toEqual({ ok: true, value: ADDRESS });
    expect(parseTransactionPath(upper, "0")).toEqual({
      ok: true,
      value: { sender: ADDRESS, nonce: 0 },
    });
  });

  test.each(["", "sender=", "sender=0x", `sender=${ADDRESS.slice(2)}`, `sender=${ADDRESS}0`])(
    "%j is refused with the expected shape",
    (query) => {
      expect(parseSenderQuery(parameters(query))).toMatchObject({
        ok: false,
        error: {
          status: 400,
          code: "BAD_REQUEST",
          message: "expected ?sender=<0x-prefixed 20-byte hex address>",
        },
      });
    },
  );

  test("a nonce is a u32", () => {
    expect(parseTransactionPath(ADDRESS, "4294967295").ok).toBe(true);
    expect(parseTransactionPath(ADDRESS, "4294967296").ok).toBe(false);
  });

  test.each(["", "-1", "1.0", "0x1", "x", "99999999999999999999999"])(
    "nonce %j is refused",
    (nonce) => {
      expect(parseTransactionPath(ADDRESS, nonce).ok).toBe(false);
    },
  );
});

test("no text makes a parser throw or answer a server error", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      for (const parsed of [
        parseSubscribeQuery(() => a),
        parseFeedQuery((name) => (name === "limit" ? a : b)),
        parseSenderQuery(() => a),
        parseTransactionPath(a, b),
      ]) {
        if (!parsed.ok) expect(parsed.error.status).toBe(400);
      }
    }),
    { numRuns: size(500, 20_000) },
  );
});
