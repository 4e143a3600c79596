/** The chain of epoch records: from one pinned hash to who leads and who certifies, by whose signatures. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { settle } from "../../src/core/consensus/claim.ts";
import {
  chainClaim,
  joiningMembers,
  recordAt,
  recordByHash,
  recordClaim,
  type SignedRecord,
} from "../../src/core/consensus/epoch-chain.ts";
import type { EpochRecord, Inherited } from "../../src/core/consensus/epoch-record.ts";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { epoch, height, type SchemeId } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { hash32 } from "../../src/core/types/hex.ts";
import { schemes } from "../../src/crypto/schemes/registry.ts";
import { nextRecord, recordOf, signersOf, signRecord } from "../support/committee.ts";
import { example, signersAt } from "../support/committee-example.ts";

const one = example();
const { validators, first, chunks } = one;
const HASH = hash32(`0x${"ab".repeat(32)}`);
const inherited: Inherited = { ...chunks[2].ref, epoch: epoch(0) };
const handing = { before: first.record, signers: validators.slice(0, 3) };
const tip = { chunk: inherited, keepThrough: 6 };

function at<T>(list: readonly T[], index: number): T {
  return must(list[index], "the list is that long");
}

describe("[C2] the chain from a pinned record", () => {
  /** The chain's verdict: `ok`, or what is wrong with it. */
  function verdict(...records: readonly SignedRecord[]): string {
    const claim = chainClaim(first.hash, records);
    if (!claim.ok) return claim.error;
    const chain = settle(claim.value, schemes);
    return chain.ok ? "ok" : chain.error;
  }

  /** Of the first record and one that `by` signed. */
  function following(record: EpochRecord, by: SignedRecord | null = null): string {
    return verdict(one.genesis, by ?? signRecord(record, validators, handing));
  }

  test.each<SchemeId>(["p256", "ed25519", "bls12381"])("verifies under %s", (scheme) => {
    const { chain, first: root, second } = example(scheme);
    expect(chain.records).toEqual([root, second]);
    expect(recordAt(chain, 1)).toEqual(second);
    expect(recordAt(chain, 2)).toBe(null);
    expect(recordByHash(chain, root.hash)).toEqual(root);
    expect(recordByHash(chain, HASH)).toBe(null);
  });

  test("begins with the pinned record and no other", () => {
    expect(verdict()).toBe("genesis");
    expect(verdict(one.genesis)).toBe("ok");
    expect(verdict(one.successor)).toBe("genesis");
    const other = signRecord({ ...first.record, quorum: 4 }, validators);
    expect(verdict(other)).toBe("genesis");
  });

  test("in epoch 0 every member has signed", () => {
    const missing = signRecord(recordOf(validators), validators);
    const { byJoining } = missing;
    const three = {
      ...byJoining,
      signers: byJoining.signers.slice(1),
      signatures: byJoining.signatures.slice(1),
    };
    expect(verdict({ ...missing, byJoining: three })).toBe("joining");
    expect(verdict({ ...missing, byPrevious: byJoining })).toBe("members");
    const [a, b, ...rest] = byJoining.signatures;
    const swapped = { ...byJoining, signatures: [b, a, ...rest] } as typeof byJoining;
    expect(verdict({ ...missing, byJoining: swapped })).toBe("signature");
  });

  test("each record names the one before, of the same history, in a later epoch", () => {
    const record = nextRecord(first, validators, tip);
    expect(following(record)).toBe("ok");
    expect(following({ ...record, previous: HASH })).toBe("link");
    expect(following({ ...record, chainId: 1 })).toBe("link");
    expect(following({ ...record, era: new Uint8Array(16) })).toBe("link");
    const later = nextRecord(first, validators, tip, { epoch: epoch(7) });
    expect(following(later)).toBe("ok");
    expect(verdict(one.genesis, one.genesis)).toBe("link");
    const second = knownRecord(record);
    const repeated = nextRecord(second, validators, tip, { epoch: epoch(1) });
    const again = signRecord(repeated, validators, handing);
    expect(verdict(one.genesis, signRecord(record, validators, handing), again)).toBe("link");
    expect(verdict(one.genesis, one.successor, one.successor)).toBe("link");
  });

  test("a quorum of the committee before has signed, and what it signed is this", () => {
    const record = nextRecord(first, validators, tip);
    const by = (indices: readonly number[]) =>
      signRecord(record, validators, { ...handing, signers: signersAt(validators, indices) });
    expect(following(record, by([0, 1, 2, 3]))).toBe("ok");
    expect(following(record, by([1, 2, 3]))).toBe("ok");
    expect(following(record, by([1, 2]))).toBe("quorum");
    expect(following(record, { ...by([0, 1, 2]), byPrevious: null })).toBe("members");
    const another = signRecord({ ...record, leader: first.record.leader }, validators, handing);
    expect(following(record, { ...by([0, 1, 2]), byPrevious: another.byPrevious })).toBe(
      "signature",
    );
  });

  test("a committee that shares nobody with the one before cannot name itself", () => {
    const strangers = signersOf("p256", [11, 12, 13, 14]);
    const record = nextRecord(first, strangers, tip);
    expect(joiningMembers(record, first.record)).toEqual([0, 1, 2, 3]);
    expect(following(record, signRecord(record, strangers, handing))).toBe("ok");
    const own = signRecord(record, strangers);
    expect(following(record, own)).toBe("members");
    expect(following(record, { ...own, byPrevious: own.byJoining })).toBe("signature");
  });

  test("a member that joins signs for itself; one that stays does not", () => {
    const [, ...staying] = validators;
    const mixed = signersOf("p256", [1, 2, 3, 4, 9]).filter(
      ({ publicKey }) => publicKey !== validators[0]?.publicKey,
    );
    const record = nextRecord(first, mixed, tip);
    const joining = joiningMembers(record, first.record);
    const signed = signRecord(record, mixed, { ...handing, signers: staying });
    expect(signed.byJoining.signers).toEqual(joining);
    expect(following(record, signed)).toBe("ok");
    const silent = { ...signed.byJoining, signers: [], signatures: [] };
    expect(following(record, { ...signed, byJoining: silent })).toBe("joining");
  });

  test("the log never goes back behind what an epoch inherited", () => {
    const second = knownRecord(nextRecord(first, validators, tip));
    const third = (chunk: Inherited | null, keepThrough: number) => {
      const record = nextRecord(
        second,
        validators,
        chunk === null ? null : { chunk, keepThrough },
        { epoch: epoch(4) },
      );
      const signed = signRecord(record, validators, { ...handing, before: second.record });
      const claim = recordClaim(signed, second);
      return claim.ok ? "ok" : claim.error;
    };
    const opening = second.record.start.firstOffset;
    expect(third(inherited, 6)).toBe("ok");
    expect(third({ height: height(3), hash: HASH, epoch: epoch(1) }, opening)).toBe("ok");
    expect(third(null, 0)).toBe("start");
    expect(third({ ...chunks[1].ref, epoch: epoch(0) }, 4)).toBe("start");
    expect(third({ ...inherited, hash: HASH }, 6)).toBe("start");
    expect(third(inherited, 5)).toBe("start");
    expect(third({ height: height(3), hash: HASH, epoch: epoch(0) }, opening)).toBe("start");
    expect(third({ height: height(3), hash: HASH, epoch: epoch(2) }, opening)).toBe("start");
    expect(third({ height: height(3), hash: HASH, epoch: epoch(1) }, 6)).toBe("start");
  });

  test("a key that is none is refused, a member's and a candidate's", () => {
    const none = Uint8Array.of(3, ...new Uint8Array(32).fill(0xff));
    const { members, candidates } = first.record;
    const bad = [
      { ...first.record, members: members.with(3, { ...at(members, 3), key: none }) },
      { ...first.record, candidates: candidates.with(0, { ...at(candidates, 0), key: none }) },
    ];
    for (const record of bad) {
      const claim = recordClaim({ ...one.genesis, record }, { genesis: knownRecord(record).hash });
      expect(claim.ok).toBe(true);
      const keyChecks = claim.ok ? claim.value.checks.filter(({ kind }) => kind === "key") : [];
      const settled = settle({ unproven: null, checks: keyChecks }, schemes);
      expect(settled.ok).toBe(false);
    }
  });

  test("a proof of possession is checked", () => {
    const { genesis } = example("bls12381");
    const { members } = genesis.record;
    const { proof } = at(members, 1);
    const record = { ...genesis.record, members: members.with(0, { ...at(members, 0), proof }) };
    const signed = signRecord(record, signersOf("bls12381", [1, 2, 3, 4]));
    const claim = chainClaim(knownRecord(record).hash, [signed]);
    expect(claim.ok && settle(claim.value, schemes)).toEqual({ ok: false, error: "signature" });
  });

  test("any signature that changes breaks it", () => {
    fc.assert(
      fc.property(fc.nat(6), fc.nat(63), fc.integer({ min: 1, max: 255 }), (which, at, by) => {
        const { byPrevious } = one.successor;
        const own = one.genesis.byJoining;
        const broken = (multi: typeof own, index: number) => ({
          ...multi,
          signatures: multi.signatures.map((bytes, i) =>
            i === index ? bytes.map((byte, j) => (j === at ? byte ^ by : byte)) : bytes,
          ),
        });
        if (byPrevious === null) throw new Error("the successor was handed over");
        const records =
          which < 4
            ? [{ ...one.genesis, byJoining: broken(own, which) }, one.successor]
            : [one.genesis, { ...one.successor, byPrevious: broken(byPrevious, which - 4) }];
        expect(verdict(...records)).toBe("signature");
      }),
      { numRuns: 12 },
    );
  });
});
