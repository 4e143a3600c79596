/** Votes, reports and evidence: who said what, and what does not pass for it. */

import { describe, expect, test } from "vitest";
import {
  doubleAckEvidence,
  encodeEvidence,
  evidenceClaim,
  forkEvidence,
} from "../../src/core/consensus/evidence.ts";
import { reportClaim, tipOf } from "../../src/core/consensus/report.ts";
import { headerCheck } from "../../src/core/consensus/signed-header.ts";
import { candidateIndex, epoch, memberIndex } from "../../src/core/consensus/types.ts";
import { voteClaim } from "../../src/core/consensus/vote.ts";
import { InvariantError, must } from "../../src/core/types/assert.ts";
import { hash32 } from "../../src/core/types/hex.ts";
import { createAsyncSigner } from "../../src/crypto/schemes/registry.ts";
import {
  chainOf,
  chunkAfter,
  opAt,
  recordOf,
  sequencers,
  signersOf,
  signHeader,
  signRecord,
  verdictOf,
} from "../support/committee.ts";
import { ackOf, example, reportOf, voteOf } from "../support/committee-example.ts";

const one = example();
const { first, second, chunks } = one;
const [a, b, c, d] = chunks;
const HASH = hash32(`0x${"ab".repeat(32)}`);

describe("[C2] votes and reports", () => {
  const vote = voteOf(one);
  const report = reportOf(one);

  test("a vote is for one candidate in one term, asked by one member with one tip", () => {
    expect(verdictOf(voteClaim(vote, first))).toBe("ok");
    expect(verdictOf(voteClaim(vote, second))).toBe("record");
    const judge = (change: object) =>
      verdictOf(voteClaim({ ...vote, statement: { ...vote.statement, ...change } }, first));
    expect(judge({ term: 0 })).toBe("record");
    expect(judge({ asker: 4 })).toBe("record");
    expect(judge({ candidate: 2 })).toBe("record");
    expect(judge({ chainId: 1 })).toBe("record");
    expect(judge({ term: 2 })).toBe("signature");
    expect(judge({ asker: 0 })).toBe("signature");
    expect(judge({ candidate: 0 })).toBe("signature");
    expect(judge({ tip: null })).toBe("signature");
    expect(judge({ tip: { ...b.ref, ackEpoch: epoch(0) } })).toBe("signature");
    const other = { ...vote, by: { ...vote.by, member: memberIndex(0) } };
    expect(verdictOf(voteClaim(other, first))).toBe("signature");
  });

  test("a report shows a header that its epoch's leader signed", () => {
    const { chain } = one;
    expect(verdictOf(reportClaim(report, chain))).toBe("ok");
    expect(tipOf(report)).toEqual({ ...c.ref, ackEpoch: 0 });
    const judge = (change: object) =>
      verdictOf(reportClaim({ ...report, statement: { ...report.statement, ...change } }, chain));
    const { tip } = report.statement;
    expect(judge({ promisedEpoch: 0 })).toBe("record");
    expect(judge({ candidate: 2 })).toBe("record");
    expect(judge({ recordHash: HASH })).toBe("record");
    expect(judge({ promisedEpoch: 2 })).toBe("signature");
    expect(judge({ candidate: candidateIndex(0) })).toBe("signature");
    expect(judge({ tip: null })).toBe("signature");
    expect(judge({ tip: { ...tip, ackEpoch: 1 } })).toBe("header");
    expect(judge({ tip: { ackEpoch: 0, header: d.header } })).toBe("header");
    const forged = signHeader(c.header.header, sequencers.two);
    expect(verdictOf(reportClaim(reportOf(one, b.header), chain))).toBe("ok");
    expect(verdictOf(reportClaim(reportOf(one, forged), chain))).toBe("signature");
  });

  test("a member that acked nothing says so", () => {
    expect(tipOf({ ...report, statement: { ...report.statement, tip: null } })).toBe(null);
  });

  test("a header stands where its record lets the epoch begin", () => {
    const judge = (signed: typeof d.header, known = second) => headerCheck(signed, known.record).ok;
    expect(judge(d.header)).toBe(true);
    expect(judge(d.header, first)).toBe(false);
    const early = chunkAfter(b, [opAt(5)], sequencers.two, { epoch: 1 });
    expect(judge(early.header)).toBe(false);
    const unlinked = chunkAfter(c, [opAt(9)], sequencers.two, { epoch: 1, parent: HASH });
    expect(judge(unlinked.header)).toBe(false);
    const root = chunkAfter(null, [opAt(1)], sequencers.one, { parent: HASH });
    expect(judge(root.header, first)).toBe(false);
    expect(judge(a.header, first)).toBe(true);
    expect(judge({ ...a.header, scheme: "ed25519" }, first)).toBe(false);
  });
});

describe("[C3] evidence", () => {
  const rival = chunkAfter(b, [opAt(5)]);
  const fork = must(forkEvidence(c.header, rival.header), "two chunks at one place");

  test("two headers of one leader at one height and epoch", () => {
    expect(forkEvidence(rival.header, c.header)).toEqual(fork);
    const claim = evidenceClaim(fork, first);
    expect(verdictOf(claim)).toBe("ok");
    expect(claim.ok && claim.value.unproven).toMatchObject({
      role: "sequencer",
      candidate: 0,
      epoch: 0,
      scheme: "p256",
      key: sequencers.one.publicKey,
    });
    const chunksOf = claim.ok ? claim.value.unproven.chunks : [];
    expect(new Set(chunksOf)).toEqual(new Set([c.ref, rival.ref]));
    expect(verdictOf(evidenceClaim(fork, second))).toBe("record");
  });

  test("one chunk signed twice is none, whatever the signatures", async () => {
    const again = await createAsyncSigner("p256", new Uint8Array(32).fill(101));
    const resigned = { ...c.header, signature: await again.sign(new Uint8Array(1)) };
    expect(resigned.signature).not.toEqual(c.header.signature);
    expect(forkEvidence(c.header, resigned)).toBe(null);
    expect(forkEvidence(c.header, c.header)).toBe(null);
    const ack = ackOf(one, 1, first, c.ref);
    const other = { ...ack, by: { ...ack.by, signature: resigned.signature } };
    expect(doubleAckEvidence(ack, other)).toBe(null);
  });

  test("headers of other heights, epochs, eras or signers are none", () => {
    expect(forkEvidence(b.header, c.header)).toBe(null);
    expect(forkEvidence(c.header, d.header)).toBe(null);
    const { header } = c.header;
    const later = signHeader({ ...header, epoch: 1 });
    expect(forkEvidence(c.header, later)).toBe(null);
    const era = signHeader({ ...header, era: new Uint8Array(16) });
    const across = must(forkEvidence(c.header, era), "another era, another hash");
    expect(verdictOf(evidenceClaim(across, first))).toBe("record");
    const slander = signHeader({ ...header, eventCount: 1 }, sequencers.two);
    const framed = must(forkEvidence(c.header, slander), "another hash");
    expect(verdictOf(evidenceClaim(framed, first))).toBe("signature");
    const backwards = { ...fork, pair: [fork.pair[1], fork.pair[0]] } as typeof fork;
    expect(verdictOf(evidenceClaim(backwards, first))).toBe("pair");
    expect(() => encodeEvidence(backwards)).toThrow(InvariantError);
  });

  test("two acks of one member at one height under one record", () => {
    const [x, y] = [ackOf(one, 1, first, c.ref), ackOf(one, 1, first, rival.ref)];
    const evidence = must(doubleAckEvidence(x, y), "two chunks");
    const claim = evidenceClaim(evidence, first);
    expect(verdictOf(claim)).toBe("ok");
    expect(claim.ok && claim.value.unproven).toMatchObject({
      role: "member",
      member: 1,
      key: first.record.members[1]?.key,
    });
    expect(verdictOf(evidenceClaim(evidence, second))).toBe("record");
    expect(doubleAckEvidence(x, ackOf(one, 2, first, rival.ref))).toBe(null);
    expect(doubleAckEvidence(x, ackOf(one, 1, second, rival.ref))).toBe(null);
    expect(doubleAckEvidence(x, ackOf(one, 1, first, b.ref))).toBe(null);
    const forged = { ...y, by: { ...y.by, signature: x.by.signature } };
    const framed = must(doubleAckEvidence(x, forged), "two chunks");
    expect(verdictOf(evidenceClaim(framed, first))).toBe("signature");
  });

  test("is attributable under every scheme, signature by signature", () => {
    for (const scheme of ["ed25519", "bls12381"] as const) {
      const members = signersOf(scheme, [1, 2, 3, 4]);
      const chain = chainOf(signRecord(recordOf(members), members));
      const known = must(chain.records[0], "a record");
      const [x, y] = [c.ref, rival.ref].map((ref) => ackOf({ validators: members }, 2, known, ref));
      const evidence = must(doubleAckEvidence(must(x, "an ack"), must(y, "an ack")), "two chunks");
      expect(verdictOf(evidenceClaim(evidence, known))).toBe("ok");
    }
  });
});
