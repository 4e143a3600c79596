/** The feed's text: exact, equal to what JSON.stringify makes, and read back strictly. */

import fc from "fast-check";
import { getAddress } from "viem";
import { describe, expect, test } from "vitest";
import { type FeedRecord, formatRecord, parseRecord } from "../../src/core/feed/record.ts";
import {
  address,
  addressFromBytes,
  fromHex,
  hash32,
  hashFromBytes,
  toHex,
  ZERO_ADDRESS,
} from "../../src/core/types/hex.ts";
import { INPUT_PAYLOAD_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { batchNonce, blockNumber, feeExponent, offset } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";

// The values of P§2.7.
const userOp: FeedRecord = {
  kind: "user_op",
  offset: offset(7),
  sender: address(`0x${"11".repeat(20)}`),
  nonce: 11,
  fee: feeExponent(3),
  data: fromHex("0xaabb"),
  safeBlock: blockNumber(1234),
  batchNonce: batchNonce(5),
};
const directInput: FeedRecord = {
  kind: "direct_input",
  offset: offset(9),
  sender: ZERO_ADDRESS,
  blockNumber: blockNumber(42),
  payload: fromHex("0xccdd"),
  inputIndex: 3,
  batchNonce: batchNonce(5),
  blockTimestamp: 1_700_000_000,
  transactionHash: hash32(`0x${"ab".repeat(32)}`),
};
const rollback: FeedRecord = {
  kind: "rollback",
  offset: offset(12),
  keepThrough: offset(9),
  generation: 1,
};

const u64 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const offsets = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const addresses = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(addressFromBytes);
const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hashFromBytes);
const bytes = fc.uint8Array({ maxLength: 80 });
const records: fc.Arbitrary<FeedRecord> = fc.oneof(
  fc.record({
    kind: fc.constant("user_op" as const),
    offset: offsets.map(offset),
    sender: addresses,
    nonce: fc.integer({ min: 0, max: 0xffff_ffff }),
    fee: fc.integer({ min: 0, max: 0xffff }).map(feeExponent),
    data: bytes,
    safeBlock: u64.map(blockNumber),
    batchNonce: u64.map(batchNonce),
  }),
  fc.record({
    kind: fc.constant("direct_input" as const),
    offset: offsets.map(offset),
    sender: addresses,
    blockNumber: u64.map(blockNumber),
    payload: bytes,
    inputIndex: u64,
    batchNonce: u64.map(batchNonce),
    blockTimestamp: u64,
    transactionHash: hashes,
  }),
  fc.tuple(offsets, fc.nat(), u64).map(([at, back, generation]) => ({
    kind: "rollback" as const,
    offset: offset(at),
    keepThrough: offset(Math.max(0, at - 1 - back)),
    generation,
  })),
);

/** The record as P§2.7 names and orders its fields. */
function named(record: FeedRecord): object {
  switch (record.kind) {
    case "user_op":
      return {
        kind: record.kind,
        offset: record.offset,
        sender: getAddress(record.sender),
        nonce: record.nonce,
        fee: record.fee,
        data: toHex(record.data),
        safe_block: record.safeBlock,
        batch_nonce: record.batchNonce,
      };
    case "direct_input":
      return {
        kind: record.kind,
        offset: record.offset,
        sender: getAddress(record.sender),
        block_number: record.blockNumber,
        payload: toHex(record.payload),
        input_index: record.inputIndex,
        batch_nonce: record.batchNonce,
        block_timestamp: record.blockTimestamp,
        transaction_hash: record.transactionHash,
      };
    case "rollback":
      return {
        kind: record.kind,
        offset: record.offset,
        keep_through: record.keepThrough,
        generation: record.generation,
      };
  }
}

describe("[F2] the text of a record", () => {
  test("a user op", () => {
    expect(formatRecord(userOp)).toBe(
      '{"kind":"user_op","offset":7,"sender":"0x1111111111111111111111111111111111111111",' +
        '"nonce":11,"fee":3,"data":"0xaabb","safe_block":1234,"batch_nonce":5}',
    );
  });

  test("a direct input", () => {
    expect(formatRecord(directInput)).toBe(
      '{"kind":"direct_input","offset":9,"sender":"0x0000000000000000000000000000000000000000",' +
        '"block_number":42,"payload":"0xccdd","input_index":3,"batch_nonce":5,' +
        `"block_timestamp":1700000000,"transaction_hash":"0x${"ab".repeat(32)}"}`,
    );
  });

  test("[F3] a rollback", () => {
    expect(formatRecord(rollback)).toBe(
      '{"kind":"rollback","offset":12,"keep_through":9,"generation":1}',
    );
  });

  test("the sender is shown with its checksum", () => {
    const sender = address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    expect(formatRecord({ ...userOp, sender })).toContain(
      '"sender":"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"',
    );
  });

  test("is what JSON.stringify makes of every record, and reads back as that record", () => {
    fc.assert(
      fc.property(records, (record) => {
        const text = formatRecord(record);
        expect(text).toBe(JSON.stringify(named(record)));
        expect(parseRecord(text)).toEqual({ ok: true, value: record });
      }),
      { numRuns: size(300, 20_000) },
    );
  });

  test("the largest payload reads back", () => {
    const payload = new Uint8Array(INPUT_PAYLOAD_BYTES_MAX).fill(0xa5);
    const parsed = parseRecord(formatRecord({ ...directInput, payload }));
    expect(parsed.ok && parsed.value.kind === "direct_input" && parsed.value.payload.length).toBe(
      INPUT_PAYLOAD_BYTES_MAX,
    );
  });
});

const parse = (record: FeedRecord, change: object): ReturnType<typeof parseRecord> =>
  parseRecord(JSON.stringify({ ...named(record), ...change }));

describe("[F2] reading a record", () => {
  test("unknown fields are ignored, and hex of any letter case is read", () => {
    expect(parse(userOp, { added_later: [1], data: "0xAABB" })).toEqual({
      ok: true,
      value: userOp,
    });
    expect(parse(userOp, { sender: `0x${"11".repeat(20)}` })).toEqual({ ok: true, value: userOp });
  });

  test.each(["", "{", "nonsense", '{"kind":"user_op"'])("%j is not JSON", (text) => {
    expect(parseRecord(text)).toEqual({ ok: false, error: "not JSON" });
  });

  test.each(["null", "1", '"user_op"', "true"])("%s is not an object", (text) => {
    expect(parseRecord(text)).toEqual({ ok: false, error: "not an object" });
  });

  test.each([
    "[]",
    "{}",
    '{"kind":"deposit"}',
    '{"kind":1}',
    '{"kind":null}',
    '{"kind":"toString"}',
  ])("%s is of no known kind", (text) => {
    expect(parseRecord(text)).toEqual({ ok: false, error: "unknown kind" });
  });

  const cases: readonly (readonly [FeedRecord, readonly string[]])[] = [
    [userOp, ["offset", "nonce", "fee", "safe_block", "batch_nonce"]],
    [directInput, ["offset", "block_number", "input_index", "batch_nonce", "block_timestamp"]],
    [rollback, ["offset", "keep_through", "generation"]],
  ];
  const integers = cases.flatMap(([record, names]) =>
    names.map((name) => [record.kind, name, record] as const),
  );

  test.each(integers)("%s: %s is an unsigned safe integer", (_kind, name, record) => {
    for (const value of [undefined, null, "1", -1, 0.5, 2 ** 53, [1], {}, true]) {
      expect(parse(record, { [name]: value })).toEqual({ ok: false, error: `bad ${name}` });
    }
  });

  test.each([
    [userOp, { nonce: 0xffff_ffff }, true],
    [userOp, { nonce: 2 ** 32 }, false],
    [userOp, { fee: 0xffff }, true],
    [userOp, { fee: 0x1_0000 }, false],
    [userOp, { offset: 1 }, true],
    [userOp, { offset: 0 }, false],
    [userOp, { offset: Number.MAX_SAFE_INTEGER }, true],
    [directInput, { offset: 0 }, false],
    [rollback, { keep_through: 11 }, true],
    [rollback, { keep_through: 12 }, false],
    [rollback, { keep_through: 13 }, false],
    [rollback, { keep_through: 0 }, true],
    [rollback, { offset: 0, keep_through: 0 }, false],
  ] as readonly (readonly [FeedRecord, object, boolean])[])(
    "%o with %o: %j",
    (record, change, isRead) => {
      expect(parse(record, change).ok).toBe(isRead);
    },
  );

  test.each([
    ["sender", userOp],
    ["sender", directInput],
    ["data", userOp],
    ["payload", directInput],
    ["transaction_hash", directInput],
  ] as readonly (readonly [string, FeedRecord])[])("%s is hex of its length", (name, record) => {
    for (const value of [
      undefined,
      null,
      1,
      "",
      "0x1",
      "aabb",
      "0xzz",
      "0Xaa",
      " 0xaa",
      ["0xaa"],
    ]) {
      expect(parse(record, { [name]: value })).toEqual({ ok: false, error: `bad ${name}` });
    }
  });

  test("never throws", () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.constantFrom("user_op", "direct_input", "rollback"),
        (json, kind) => {
          parseRecord(json);
          const value: unknown = JSON.parse(json);
          const fields = typeof value === "object" && value !== null ? value : {};
          expect(parseRecord(JSON.stringify({ ...fields, kind })).ok).toBe(false);
        },
      ),
      { numRuns: size(200, 10_000) },
    );
  });
});
