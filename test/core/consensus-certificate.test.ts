/** Claims, acks and certificates: who certified what, and what does not pass for it. */

import { describe, expect, test } from "vitest";
import { type Ack, ackClaim } from "../../src/core/consensus/ack.ts";
import {
  assembleCertificate,
  type Certificate,
  certificateClaim,
  decodeCertificate,
  encodeCertificate,
} from "../../src/core/consensus/certificate.ts";
import { settleWith } from "../../src/core/consensus/claim.ts";
import { epoch, height, memberIndex, type SchemeId } from "../../src/core/consensus/types.ts";
import { InvariantError, must } from "../../src/core/types/assert.ts";
import { address, hash32 } from "../../src/core/types/hex.ts";
import { schemes, settleAsync } from "../../src/crypto/schemes/registry.ts";
import { certify, verdictOf } from "../support/committee.ts";
import { ackOf, example, signersAt } from "../support/committee-example.ts";

const one = example();
const { validators, first, second, chunks } = one;
const [, , c] = chunks;
const HASH = hash32(`0x${"ab".repeat(32)}`);

describe("[C2] a claim", () => {
  const claim = certificateClaim(one.certificate, first);
  const { checks, unproven } = claim.ok ? claim.value : { checks: [], unproven: null };

  test("is settled by one verdict for each of its checks, all of them true", async () => {
    expect(settleWith({ checks, unproven }, [true, true, true])).toEqual({
      ok: true,
      value: one.certificate,
    });
    for (const verdicts of [[], [true, true], [true, true, false], [true, true, true, true]]) {
      expect(settleWith({ checks, unproven }, verdicts)).toEqual({ ok: false, error: "signature" });
    }
    expect(await settleAsync({ checks, unproven })).toEqual({ ok: true, value: one.certificate });
    const [check] = checks;
    const forged = {
      unproven,
      checks: [...checks, { ...must(check, "a check"), message: new Uint8Array(32) }],
    };
    expect(await settleAsync(forged)).toEqual({ ok: false, error: "signature" });
  });
});

describe("[C3] an ack", () => {
  const ack = ackOf(one, 1, first, c.ref);
  const said = (change: object): Ack => ({ ...ack, statement: { ...ack.statement, ...change } });
  const by = (change: object): Ack => ({ ...ack, by: { ...ack.by, ...change } });

  test("is one member's word under one record", () => {
    expect(verdictOf(ackClaim(ack, first))).toBe("ok");
    expect(verdictOf(ackClaim(ack, second))).toBe("record");
    expect(verdictOf(ackClaim(said({ chainId: 1 }), first))).toBe("record");
    expect(verdictOf(ackClaim(said({ app: address(`0x${"12".repeat(20)}`) }), first))).toBe(
      "record",
    );
    expect(verdictOf(ackClaim(said({ epoch: 1 }), first))).toBe("record");
    expect(verdictOf(ackClaim(said({ height: 3 }), first))).toBe("signature");
    expect(verdictOf(ackClaim(said({ chunkHash: HASH }), first))).toBe("signature");
    expect(verdictOf(ackClaim(by({ member: 2 }), first))).toBe("signature");
    expect(verdictOf(ackClaim(by({ member: 4 }), first))).toBe("member");
    expect(verdictOf(ackClaim(by({ scheme: "ed25519" }), first))).toBe("member");
  });
});

describe.each<SchemeId>(["p256", "ed25519", "bls12381"])("[C3] a certificate of %s", (scheme) => {
  const { first: known, certificate, validators: members, chunks: log } = example(scheme);
  const ref = log[2].ref;
  const judge = (one: Certificate) => verdictOf(certificateClaim(one, known));

  test("is a quorum's word for a chunk, and within 400 bytes", () => {
    expect(judge(certificate)).toBe("ok");
    const all = certify(known, members, ref);
    expect(judge(all)).toBe("ok");
    const bytes = [certificate, all].map((one) => encodeCertificate(one).length);
    expect(bytes).toEqual(scheme === "bls12381" ? [180, 180] : [276, 340]);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(400);
  });

  test("is of its record, its chunk and its signers alone", () => {
    expect(judge({ ...certificate, recordHash: HASH })).toBe("record");
    expect(judge({ ...certificate, epoch: epoch(1) })).toBe("record");
    expect(judge({ ...certificate, chunk: { ...ref, hash: HASH } })).toBe("signature");
    expect(judge({ ...certificate, chunk: { ...ref, height: height(1) } })).toBe("signature");
    const { signatures } = certificate;
    const signers = [0, 1, 2].map(memberIndex);
    expect(judge({ ...certificate, signatures: { ...signatures, signers } })).toBe("signature");
    const more = { ...signatures, members: 5 };
    expect(judge({ ...certificate, signatures: more })).toBe("members");
    const twice = { ...signatures, signers: [0, 0, 1].map(memberIndex) };
    expect(judge({ ...certificate, signatures: twice })).toBe("members");
  });

  test("needs the record's quorum, not the bitmap's say", () => {
    const two = { ...known, record: { ...known.record, quorum: 2 } };
    const few = certify(two, signersAt(members, [1, 2]), ref);
    expect(judge(few)).toBe("quorum");
    expect(() => certify(known, signersAt(members, [1, 2]), ref)).toThrow(InvariantError);
    const none = { ...few, signatures: { ...few.signatures, signers: [], signatures: [] } };
    expect(judge(none)).toBe("quorum");
  });

  test("names each signer once: stray bits, missing and spare signatures do not decode", () => {
    const bytes = encodeCertificate(certificate);
    const bitmapAt = 1 + 8 + 32 + 8 + 32 + 2;
    expect(bytes[bitmapAt]).toBe(0b1011);
    for (const bitmap of [0b11011, 0b10001011, 0b1111, 0b11, 0]) {
      const changed = bytes.slice();
      changed[bitmapAt] = bitmap;
      const decoded = decodeCertificate(changed);
      const isSpare = scheme === "bls12381" && (bitmap === 0b1111 || bitmap === 0b11);
      expect(decoded.ok).toBe(isSpare);
      if (decoded.ok) expect(judge(decoded.value)).not.toBe("ok");
    }
  });
});

describe("[C3] certificates and schemes", () => {
  test("one member's signature does not stand in for another's", () => {
    const { signatures } = one.certificate;
    const [x, y] = signatures.signatures;
    const doubled = { ...signatures, signatures: [x, x, y] as readonly Uint8Array[] };
    expect(verdictOf(certificateClaim({ ...one.certificate, signatures: doubled }, first))).toBe(
      "signature",
    );
  });

  test("a certificate of another scheme is not this committee's", () => {
    const other = example("ed25519").certificate;
    const renamed = { ...other, recordHash: first.hash };
    expect(verdictOf(certificateClaim(renamed, first))).toBe("members");
  });

  test("assembling takes distinct members, a quorum and the record's scheme", () => {
    const acks = [0, 1, 3].map((member) => {
      const { by } = ackOf(one, member, first, c.ref);
      return { member: by.member, signature: by.signature };
    });
    const backwards = assembleCertificate(first, c.ref, [...acks].reverse(), schemes.p256);
    expect(backwards).toEqual(one.certificate);
    const [x, y] = acks;
    const twice = [must(x, "an ack"), must(x, "an ack"), must(y, "an ack")];
    expect(() => assembleCertificate(first, c.ref, twice, schemes.p256)).toThrow(InvariantError);
    expect(() => assembleCertificate(first, c.ref, acks, schemes.ed25519)).toThrow(InvariantError);
  });

  test("re-certified by the next committee, a chunk keeps its hash", () => {
    const again = certify(second, validators.slice(0, 3), c.ref);
    expect(verdictOf(certificateClaim(again, second))).toBe("ok");
    expect(verdictOf(certificateClaim(again, first))).toBe("record");
    expect(again.chunk).toEqual(one.certificate.chunk);
  });
});
