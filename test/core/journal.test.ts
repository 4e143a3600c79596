/** The journal that applications keep, and the tables of accounts in their snapshots. */

import { describe, expect, test } from "vitest";
import {
  decodeAccounts,
  encodeAccounts,
  type ValueCodec,
} from "../../src/core/application/account-table.ts";
import { Journal } from "../../src/core/application/journal.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { blockNumber, U32_MAX } from "../../src/core/types/units.ts";
import { ALICE, BOB } from "../support/wallet.ts";

const PROGRESS = { executedInputCount: 1, lastExecutedSafeBlock: blockNumber(0) };
const at = (nonce: number): Journal =>
  new Journal({ nonces: new Map([[ALICE, nonce]]), progress: PROGRESS });

describe("[X4] a journal", () => {
  test("starts at genesis", () => {
    const journal = new Journal();
    expect(journal.progress()).toEqual({ executedInputCount: 0, lastExecutedSafeBlock: 0 });
    expect(journal.nextNonce(ALICE)).toBe(0);
    expect(journal.encode()).toEqual(new Uint8Array(16));
  });

  test("[N19] counts every input, and its clock never goes back", () => {
    const journal = new Journal();
    for (const block of [9, 4]) journal.advance(blockNumber(block));
    expect(journal.progress()).toEqual({ executedInputCount: 2, lastExecutedSafeBlock: 9 });
  });

  test.each([
    { next: 3, nonce: 3, refused: null },
    { next: 3, nonce: 2, refused: { reason: "invalid-nonce", expected: 3, got: 2 } },
    { next: 3, nonce: 4, refused: { reason: "invalid-nonce", expected: 3, got: 4 } },
    { next: U32_MAX - 1, nonce: U32_MAX - 1, refused: null },
    { next: U32_MAX, nonce: U32_MAX, refused: { reason: "nonce-exhausted" } },
  ])("at $next, nonce $nonce: $refused.reason", ({ next, nonce, refused }) => {
    expect(at(next).refuseNonce(ALICE, nonce)).toEqual(refused);
  });

  test("uses one sender's nonce, up to the last but one", () => {
    const journal = at(U32_MAX - 1);
    journal.useNonce(ALICE);
    expect([journal.nextNonce(ALICE), journal.nextNonce(BOB)]).toEqual([U32_MAX, 0]);
    expect(() => journal.useNonce(ALICE)).toThrow(InvariantError);
  });

  test("comes back from its bytes, and copies what it is given", () => {
    const nonces = new Map([
      [BOB, 2],
      [ALICE, U32_MAX],
    ] as [Address, number][]);
    const journal = new Journal({ nonces, progress: PROGRESS });
    nonces.set(ALICE, 0);
    const decoded = Journal.decode(journal.encode());
    if (!decoded.ok) return expect.unreachable(decoded.error);
    expect(decoded.value.contents()).toEqual(journal.contents());
    expect([decoded.value.nextNonce(ALICE), decoded.value.nextNonce(BOB)]).toEqual([U32_MAX, 2]);
  });

  test.each([
    { what: "15 bytes", bytes: new Uint8Array(15), error: "shorter than a progress" },
    { what: "half an entry", bytes: new Uint8Array(16 + 23), error: "bad nonces length" },
    {
      what: "a clock without inputs",
      bytes: Uint8Array.of(...new Uint8Array(8), 1, ...new Uint8Array(7)),
      error: "a clock without inputs",
    },
    { what: "a count of 2^64 - 1", bytes: new Uint8Array(16).fill(0xff), error: "bad progress" },
  ])("$what: $error", ({ bytes, error }) => {
    expect(Journal.decode(bytes)).toEqual({ ok: false, error });
  });
});

describe("[X4] a table of accounts", () => {
  const BYTE: ValueCodec<number> = {
    name: "bytes",
    valueBytes: 1,
    write: (view, offset, value) => view.setUint8(offset, value),
    read: (view, offset) => view.getUint8(offset),
  };
  const ascending: [Address, number][] = [
    [ALICE, 1],
    [BOB, 2],
  ];

  test("has the same bytes whatever order it was filled in", () => {
    const bytes = encodeAccounts(new Map(ascending), BYTE);
    expect(encodeAccounts(new Map(ascending.toReversed()), BYTE)).toEqual(bytes);
    expect(decodeAccounts(bytes, BYTE)).toEqual({ ok: true, value: new Map(ascending) });
  });

  test.each([
    { what: "descending", pick: [1, 0], error: "accounts do not ascend" },
    { what: "twice the same", pick: [0, 0], error: "accounts do not ascend" },
  ])("$what: $error", ({ pick, error }) => {
    const bytes = encodeAccounts(new Map(ascending), BYTE);
    const entries = pick.map((i) => bytes.subarray(21 * i, 21 * (i + 1)));
    expect(decodeAccounts(Uint8Array.from(entries.flatMap((e) => [...e])), BYTE)).toEqual({
      ok: false,
      error,
    });
    expect(decodeAccounts(bytes.subarray(1), BYTE)).toEqual({
      ok: false,
      error: "bad bytes length",
    });
  });
});
