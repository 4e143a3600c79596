/** What an epoch record must be, and the numbers that follow from one. */

import { describe, expect, test } from "vitest";
import {
  DEFAULT_MEMBERS,
  type EpochRecord,
  firstOffset,
  type Inherited,
  majority,
  recordProblem,
} from "../../src/core/consensus/epoch-record.ts";
import { decodeRecord, encodeRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { compareTips, epoch, height } from "../../src/core/consensus/types.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import { hash32 } from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";
import { recordOf, signersOf } from "../support/committee.ts";
import { example } from "../support/committee-example.ts";

const one = example();
const HASH = hash32(`0x${"ab".repeat(32)}`);
const inherited: Inherited = { ...one.chunks[2].ref, epoch: epoch(0) };

describe("[C2] a record is well formed", () => {
  const record = one.genesis.record;
  const [member] = record.members;
  const [candidate] = record.candidates;
  const start = (change: object) => ({ start: { ...record.start, ...change } });

  test.each<[string, string, object]>([
    ["era", "an era of 15 bytes", { era: new Uint8Array(15) }],
    ["previous", "a predecessor before epoch 0", { previous: HASH }],
    ["previous", "no predecessor after it", { epoch: epoch(1) }],
    ["members", "nobody", { members: [] }],
    ["members", "members out of order", { members: [...record.members].reverse() }],
    ["members", "a member twice", { members: [member, ...record.members] }],
    ["members", "keys of another scheme", { scheme: "ed25519" }],
    [
      "members",
      "a proof where none belongs",
      { members: [{ ...member, proof: new Uint8Array(96) }, ...record.members.slice(1)] },
    ],
    ["quorum", "half of four", { quorum: 2 }],
    ["quorum", "more than all", { quorum: 5 }],
    ["quorum", "no integer", { quorum: 3.5 }],
    ["candidates", "no candidate", { candidates: [] }],
    ["candidates", "candidates out of order", { candidates: [...record.candidates].reverse() }],
    ["candidates", "a candidate twice", { candidates: [candidate, candidate] }],
    [
      "candidates",
      "one key under two ids",
      { candidates: [candidate, { ...candidate, id: "zwei" }] },
    ],
    [
      "candidates",
      "a scheme that aggregates",
      { candidates: [{ ...candidate, scheme: "bls12381" }] },
    ],
    ["leader", "a leader beyond the candidates", { leader: 2 }],
    ["endpoint", "no endpoint", { candidates: [{ ...candidate, endpoint: "" }] }],
    ["endpoint", "a space", { candidates: [{ ...candidate, endpoint: "https://a b" }] }],
    ["endpoint", "256 characters", { candidates: [{ ...candidate, endpoint: "x".repeat(256) }] }],
    ["endpoint", "beyond ASCII", { candidates: [{ ...candidate, endpoint: "https://ü" }] }],
    ["start", "another first offset", start({ firstOffset: offset(2) })],
    ["start", "offsets kept of nothing", start({ keepThrough: offset(1), firstOffset: offset(2) })],
    ["start", "a chunk of its own epoch", start({ inherited: { ...inherited, epoch: epoch(1) } })],
    [
      "start",
      "a height without a next one",
      start({ inherited: { ...inherited, height: height(Number.MAX_SAFE_INTEGER) } }),
    ],
  ])("%s: not with %s", (problem, _what, change) => {
    const changed = { ...record, leader: 0, ...change } as EpochRecord;
    expect(recordProblem(changed)).toBe(problem);
    expect(() => encodeRecord(changed)).toThrow(InvariantError);
  });

  test.each(["", "-a", "a-", "A", "a_b", "a".repeat(33)])("no candidate is called %j", (id) => {
    const named = { ...record, candidates: [{ ...record.candidates[0], id }] } as EpochRecord;
    expect(recordProblem(named)).toBe("candidates");
  });

  test.each(["a", "0", "a-b", "eu-west-1", "a".repeat(32)])("one may be called %j", (id) => {
    const named = { ...record, candidates: [{ ...record.candidates[0], id }] } as EpochRecord;
    expect(recordProblem(named)).toBe(null);
  });

  test("a majority is more than half, of even committees too", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 64].map(majority)).toEqual([1, 2, 2, 3, 3, 4, 4, 33]);
    expect([DEFAULT_MEMBERS, majority(DEFAULT_MEMBERS)]).toEqual([4, 3]);
    for (let members = 1; members <= 64; members++) {
      expect(2 * majority(members)).toBeGreaterThan(members);
    }
  });

  test("64 members are a committee, 65 are not", () => {
    const seeds = Array.from({ length: 65 }, (_, i) => i + 1);
    expect(recordProblem(recordOf(signersOf("p256", seeds.slice(1))))).toBe(null);
    expect(recordProblem(recordOf(signersOf("p256", seeds)))).toBe("members");
  });

  test("a stranger's epoch far away is refused, not computed with", () => {
    const far = { ...record, previous: HASH, epoch: epoch(Number.MAX_SAFE_INTEGER) };
    expect(recordProblem(far)).toBe("start");
    const bytes = encodeRecord(record);
    bytes.fill(0xff, 46, 53);
    expect(decodeRecord(bytes).ok).toBe(false);
  });

  test("offsets of an epoch begin 2^20 beyond what is kept, for each epoch since", () => {
    expect(firstOffset(epoch(0), null, offset(41))).toBe(42);
    expect(firstOffset(epoch(1), inherited, offset(6))).toBe(6 + 2 ** 20);
    expect(firstOffset(epoch(5), { epoch: epoch(2) }, offset(6))).toBe(6 + 3 * 2 ** 20);
    expect(firstOffset(epoch(2), null, offset(0))).toBe(2 ** 21);
  });

  test("tips are compared by ack epoch, then by height", () => {
    const at = (ackEpoch: number, above: number) => ({
      ackEpoch: epoch(ackEpoch),
      height: height(above),
      hash: HASH,
    });
    const ascending = [null, at(0, 0), at(0, 9), at(1, 3), at(2, 0)];
    ascending.forEach((a, i) => {
      ascending.forEach((b, j) => {
        expect(Math.sign(compareTips(a, b))).toBe(Math.sign(i - j));
      });
    });
  });
});
