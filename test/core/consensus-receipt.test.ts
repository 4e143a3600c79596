/** Receipts: what each tier proves, what does not pass for one, and the proof of a broken promise. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { proveBrokenPromise } from "../../src/core/consensus/broken-promise.ts";
import {
  type CertifiedReceipt,
  certifiedReceipt,
  type Receipt,
} from "../../src/core/consensus/receipt.ts";
import { formatReceipt, parseReceipt } from "../../src/core/consensus/receipt-json.ts";
import { epoch, height } from "../../src/core/consensus/types.ts";
import { proveReceipt, type ReceiptProof } from "../../src/core/consensus/verify-receipt.ts";
import { must } from "../../src/core/types/assert.ts";
import { hash32 } from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";
import { schemes } from "../../src/crypto/schemes/registry.ts";
import {
  certify,
  chainOf,
  chunkAfter,
  nextRecord,
  opAt,
  receiptOf,
  recordOf,
  rollbackAt,
  sequencers,
  signersOf,
  signHeader,
  signRecord,
} from "../support/committee.ts";
import { example } from "../support/committee-example.ts";
import { size } from "../support/size.ts";

const one = example();
const { chain, chunks, validators, first, second, ordered } = one;
const [a, b, c, d] = chunks;
const certified = asCertified(one.certified);
const HASH = hash32(`0x${"ab".repeat(32)}`);

function asCertified(receipt: Receipt): CertifiedReceipt {
  if (receipt.tier !== "certified") throw new Error("the receipt is certified");
  return receipt;
}

function verdict(receipt: Receipt, records = chain): string {
  const proof = proveReceipt(receipt, records, schemes);
  return proof.ok ? "ok" : proof.error;
}

function proven(receipt: Receipt, records = chain): ReceiptProof {
  const proof = proveReceipt(receipt, records, schemes);
  if (!proof.ok) throw new Error(`the receipt proves nothing: ${proof.error}`);
  return proof.value;
}

describe("[C2] tier ordered", () => {
  test("proves that the leader of its epoch promised the event its place", () => {
    expect(proven(ordered)).toEqual({
      tier: "ordered",
      event: opAt(2),
      index: 1,
      header: a.header.header,
      chunk: a.ref,
      promisedBy: {
        epoch: 0,
        candidate: "one",
        scheme: "p256",
        key: sequencers.one.publicKey,
      },
      certified: null,
      abandonedBy: null,
    });
  });

  test("every event of every chunk has one", () => {
    for (const chunk of chunks) {
      for (const index of chunk.events.keys()) expect(verdict(receiptOf(chunk, index))).toBe("ok");
    }
  });

  test("is nothing without the leader's signature", () => {
    const { header } = ordered.header;
    expect(verdict({ ...ordered, header: signHeader(header, sequencers.two) })).toBe("signature");
    expect(verdict({ ...ordered, header: { ...ordered.header, scheme: "ed25519" } })).toBe(
      "scheme",
    );
    const changed = { ...ordered.header, header: { ...header, eventCount: 4 } };
    expect(["path", "signature"]).toContain(verdict({ ...ordered, header: changed }));
  });

  test("is of the pinned history, and of an epoch with a record", () => {
    const { header } = ordered.header;
    const signed = (change: object) => ({
      ...ordered,
      header: signHeader({ ...header, ...change }),
    });
    expect(verdict(signed({ chainId: 1 }))).toBe("header");
    expect(verdict(signed({ era: new Uint8Array(16) }))).toBe("header");
    expect(verdict(signed({ epoch: 1 }))).toBe("header");
    expect(verdict(signed({ epoch: 2 }))).toBe("epoch");
    expect(verdict(receiptOf(d, 0), { records: [first] })).toBe("epoch");
  });

  test("its event lies at its place in the tree, with an offset of its chunk", () => {
    expect(verdict({ ...ordered, event: opAt(3) })).toBe("path");
    expect(verdict({ ...ordered, index: 0 })).toBe("path");
    expect(verdict({ ...ordered, index: 3 })).toBe("path");
    expect(verdict({ ...ordered, path: ordered.path.slice(1) })).toBe("path");
    expect(verdict({ ...ordered, path: [...ordered.path, new Uint8Array(32)] })).toBe("path");
    for (const at of [3, 7]) {
      const beyond = chunkAfter(a, [opAt(4), opAt(at)], sequencers.one, { nextOffset: offset(7) });
      expect(verdict(receiptOf(beyond, 1))).toBe("offset");
    }
    const last = chunkAfter(a, [opAt(4), opAt(6)], sequencers.one, { nextOffset: offset(7) });
    expect(verdict(receiptOf(last, 1))).toBe("ok");
  });

  test("tells which later epoch went on without it", () => {
    const lost = chunkAfter(c, [opAt(7)]);
    const proof = proven(receiptOf(lost, 0));
    expect(proof.abandonedBy).toBe(1);
    expect(proven(receiptOf(lost, 0), { records: [first] }).abandonedBy).toBe(null);
    const rival = chunkAfter(b, [opAt(5)]);
    expect(proven(receiptOf(rival, 0)).abandonedBy).toBe(1);
    expect(proven(receiptOf(c, 0)).abandonedBy).toBe(null);
    expect(proven(receiptOf(b, 0)).abandonedBy).toBe(null);
    expect(proven(receiptOf(d, 0)).abandonedBy).toBe(null);
  });
});

describe("[C2] tier certified", () => {
  test("proves in addition that a quorum certified its chunk or one linked to it", () => {
    const proof = proven(certified);
    expect(proof).toMatchObject({ tier: "certified", abandonedBy: null, chunk: a.ref });
    expect(proof.certified).toEqual({
      epoch: 0,
      recordHash: first.hash,
      chunk: c.ref,
      signers: [0, 1, 3],
      quorum: 3,
    });
    const own = certifiedReceipt(receiptOf(c, 1), [], one.certificate);
    expect(proven(own).certified?.chunk).toEqual(c.ref);
  });

  test("across epochs, when the next leader's chunk is certified", () => {
    const later = certify(second, validators.slice(1), d.ref);
    const headers = [b, c, d].map(({ header }) => header.header);
    const proof = proven(certifiedReceipt(receiptOf(a, 0), headers, later));
    expect(proof).toMatchObject({ promisedBy: { epoch: 0 }, certified: { epoch: 1 } });
    const again = certify(second, validators.slice(1), c.ref);
    expect(verdict({ ...certified, certificate: again })).toBe("ok");
  });

  test("its headers lead to the certified chunk without a gap", () => {
    const links = (...headers: readonly (typeof b)[]) =>
      verdict({ ...certified, headers: headers.map(({ header }) => header.header) });
    expect(links(b, c)).toBe("ok");
    expect(links()).toBe("links");
    expect(links(b)).toBe("links");
    expect(links(c)).toBe("links");
    expect(links(c, b)).toBe("links");
    expect(links(b, b, c)).toBe("links");
    expect(links(b, c, d)).toBe("links");
    const other = chunkAfter(b, [opAt(5)]);
    expect(links(b, other)).toBe("links");
    const skipping = chunkAfter(b, c.events, sequencers.one, { height: 3 });
    const certificate = certify(first, validators, skipping.ref);
    const gap = { headers: [b.header.header, skipping.header.header], certificate };
    expect(verdict({ ...certified, ...gap })).toBe("links");
    const era = chunkAfter(b, c.events, sequencers.one, { era: new Uint8Array(16) });
    const elsewhere = certify(first, validators, era.ref);
    const headers = [b.header.header, era.header.header];
    expect(verdict({ ...certified, headers, certificate: elsewhere })).toBe("links");
  });

  test("a committee does not certify a chunk of a later epoch, nor links back to an older one", () => {
    const early = certify(first, validators, d.ref);
    const headers = [b, c, d].map(({ header }) => header.header);
    expect(verdict(certifiedReceipt(receiptOf(a, 0), headers, early))).toBe("links");
    const back = chunkAfter(d, [opAt(2 ** 20 + 9)], sequencers.one, { epoch: 0 });
    const later = certify(second, validators, back.ref);
    expect(verdict(certifiedReceipt(receiptOf(d, 0), [back.header.header], later))).toBe("links");
  });

  test("its certificate is the committee's", () => {
    const strangers = signersOf("p256", [11, 12, 13, 14]);
    const theirs = recordOf(strangers);
    const [known] = chainOf(signRecord(theirs, strangers)).records;
    const forged = certify(must(known, "a record"), strangers, c.ref);
    expect(verdict({ ...certified, certificate: forged })).toBe("record");
    expect(verdict({ ...certified, certificate: { ...forged, epoch: epoch(3) } })).toBe("epoch");
    const renamed = { ...forged, recordHash: first.hash };
    expect(verdict({ ...certified, certificate: renamed })).toBe("signature");
    const { certificate } = certified;
    const raised = { ...certificate, chunk: { ...c.ref, height: height(3) } };
    expect(verdict({ ...certified, certificate: raised })).toBe("links");
  });

  test("a committee that certifies a chunk and leaves it out is shown", () => {
    const inherited = { chunk: { ...b.ref, epoch: epoch(0) }, keepThrough: 4 };
    const without = nextRecord(first, validators, inherited);
    const handing = { before: first.record, signers: validators };
    const records = chainOf(one.genesis, signRecord(without, validators, handing));
    expect(proven(certifiedReceipt(receiptOf(c, 0), [], one.certificate), records)).toMatchObject({
      tier: "certified",
      abandonedBy: 1,
    });
    expect(proven(certified, records).abandonedBy).toBe(null);
    const other = { chunk: { ...b.ref, hash: HASH, epoch: epoch(0) }, keepThrough: 4 };
    const wrong = chainOf(
      one.genesis,
      signRecord(nextRecord(first, validators, other), validators, handing),
    );
    expect(proven(certified, wrong).abandonedBy).toBe(1);
  });

  test("no changed byte of header, event, path, links or certificate goes unnoticed", () => {
    const fields = ["header", "signature", "event", "path", "headers", "certificate"] as const;
    const place = fc.tuple(fc.constantFrom(...fields), fc.nat(), fc.integer({ min: 1, max: 255 }));
    const json: Record<string, string> = JSON.parse(formatReceipt(certified));
    fc.assert(
      fc.property(place, ([field, where, by]) => {
        const hex = json[field] ?? "0x";
        const at = 2 + 2 * (where % (hex.length / 2 - 1));
        const byte = (Number.parseInt(hex.slice(at, at + 2), 16) ^ by).toString(16);
        const changed = hex.slice(0, at) + byte.padStart(2, "0") + hex.slice(at + 2);
        const parsed = parseReceipt(JSON.stringify({ ...json, [field]: changed }));
        if (parsed.ok) expect(verdict(parsed.value)).not.toBe("ok");
      }),
      { numRuns: size(60, 3_000) },
    );
  });
});

describe("[C2] a broken promise", () => {
  const lost = chunkAfter(c, [opAt(7)]);
  const promise = proven(receiptOf(lost, 0));
  const rollback = proven(one.rollback);

  test("is proven by a receipt and a certified rollback over its offset, with who broke it", () => {
    const proof = proveBrokenPromise(promise, rollback);
    expect(proof).toEqual({
      ok: true,
      value: {
        offset: 7,
        promisedBy: promise.promisedBy,
        promiseCertified: null,
        rolledBackBy: { epoch: 1, candidate: "two", scheme: "p256", key: sequencers.two.publicKey },
        rollbackCertified: rollback.certified,
        keepThrough: 6,
        rollbackOffset: 6 + 2 ** 20,
      },
    });
  });

  test("of a certified receipt, with those who certified it", () => {
    const certificate = certify(first, validators, lost.ref);
    const certain = proven(certifiedReceipt(receiptOf(lost, 0), [], certificate));
    const proof = proveBrokenPromise(certain, rollback);
    expect(proof.ok && proof.value.promiseCertified?.signers).toEqual([0, 1, 2, 3]);
  });

  test("not by a rollback that keeps the offset, or comes before it", () => {
    const kept = proven(receiptOf(c, 1));
    expect(kept.event).toMatchObject({ offset: 6 });
    expect(proveBrokenPromise(kept, rollback)).toEqual({ ok: false, error: "kept" });
    const after = proven(receiptOf(d, 1));
    expect(proveBrokenPromise(after, rollback)).toEqual({ ok: false, error: "kept" });
  });

  test("not by one sequencer's rollback, nor by what is no promise or no rollback", () => {
    const alone = proven(receiptOf(d, 0));
    expect(proveBrokenPromise(promise, alone)).toEqual({ ok: false, error: "uncertified" });
    expect(proveBrokenPromise(rollback, rollback)).toEqual({ ok: false, error: "promise" });
    expect(proveBrokenPromise(promise, promise)).toEqual({ ok: false, error: "rollback" });
  });

  test("not by a rollback of another history", () => {
    const era = new Uint8Array(16).fill(7);
    const members = signRecord(recordOf(validators, { era }), validators);
    const elsewhere = chainOf(members);
    const known = must(elsewhere.records[0], "a record");
    const chunk = chunkAfter(null, [rollbackAt(9, 1)], sequencers.one, { era });
    const certificate = certify(known, validators, chunk.ref);
    const foreign = proven(certifiedReceipt(receiptOf(chunk, 0), [], certificate), elsewhere);
    expect(proveBrokenPromise(promise, foreign)).toEqual({ ok: false, error: "rollback" });
  });
});
