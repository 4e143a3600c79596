/** The committee's formats: pinned bytes, one encoding for each value, and nothing else decodes. */

import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHUNK_DOMAIN } from "../../src/core/chunk/header.ts";
import { ACK_DOMAIN, ackPreimage, decodeAck, encodeAck } from "../../src/core/consensus/ack.ts";
import { decodeCertificate, encodeCertificate } from "../../src/core/consensus/certificate.ts";
import { decodeSignedRecord, encodeSignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import {
  decodeRecord,
  EPOCH_DOMAIN,
  encodeRecord,
  recordHash,
  recordPreimage,
} from "../../src/core/consensus/epoch-record-bytes.ts";
import {
  decodeEvidence,
  doubleAckEvidence,
  encodeEvidence,
  forkEvidence,
} from "../../src/core/consensus/evidence.ts";
import { formatReceipt, parseReceipt } from "../../src/core/consensus/receipt-json.ts";
import { decodeReport, encodeReport, REPORT_DOMAIN } from "../../src/core/consensus/report.ts";
import type { SchemeId } from "../../src/core/consensus/types.ts";
import { decodeVote, encodeVote, VOTE_DOMAIN } from "../../src/core/consensus/vote.ts";
import { must } from "../../src/core/types/assert.ts";
import { fromHex, hash32, toHex } from "../../src/core/types/hex.ts";
import type { Result } from "../../src/core/types/result.ts";
import { chunkAfter, opAt } from "../support/committee.ts";
import { ackOf, example, reportOf, voteOf } from "../support/committee-example.ts";
import * as arbitrary from "../support/consensus-arbitraries.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/consensus.json" with { type: "json" };

const one = example();
const ack = ackOf(one, 0, one.first, one.chunks[2].ref);
const rival = chunkAfter(one.chunks[1], [opAt(5)]);
const fork = must(forkEvidence(one.chunks[2].header, rival.header), "two chunks at one place");
const doubleAck = must(doubleAckEvidence(ack, ackOf(one, 0, one.first, rival.ref)), "two acks");

/** A pinned value, its format, and random values of the format. */
type Format<T> = {
  readonly name: string;
  readonly pinned: readonly (readonly [T, string])[];
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Result<T, string>;
  readonly values: fc.Arbitrary<T>;
};

function format<T>(name: string, one: Omit<Format<T>, "name">): Format<unknown> {
  return { name, ...one } as unknown as Format<unknown>;
}

const SCHEMES: readonly SchemeId[] = ["p256", "ed25519", "bls12381"];

const formats = [
  format("epoch record", {
    pinned: [[one.genesis.record, vectors.genesis.record]],
    encode: encodeRecord,
    decode: decodeRecord,
    values: arbitrary.records,
  }),
  format("signed epoch record", {
    pinned: [
      [one.genesis, vectors.genesis.signed],
      [one.successor, vectors.successor.signed],
    ],
    encode: encodeSignedRecord,
    decode: decodeSignedRecord,
    values: arbitrary.signedRecords,
  }),
  format("ack", {
    pinned: [[ack, vectors.ack.bytes]],
    encode: encodeAck,
    decode: decodeAck,
    values: arbitrary.acks,
  }),
  format("certificate", {
    pinned: SCHEMES.map((scheme) => [
      example(scheme).certificate,
      vectors.certificates[scheme].certificate,
    ]),
    encode: encodeCertificate,
    decode: decodeCertificate,
    values: arbitrary.certificates,
  }),
  format("vote", {
    pinned: [[voteOf(one), vectors.vote]],
    encode: encodeVote,
    decode: decodeVote,
    values: arbitrary.votes,
  }),
  format("report", {
    pinned: [[reportOf(one), vectors.report]],
    encode: encodeReport,
    decode: decodeReport,
    values: arbitrary.reports,
  }),
  format("evidence", {
    pinned: [
      [fork, vectors.evidence.fork],
      [doubleAck, vectors.evidence.doubleAck],
    ],
    encode: encodeEvidence,
    decode: decodeEvidence,
    values: fc.oneof(
      fc.tuple(arbitrary.signedHeaders, arbitrary.signedHeaders).map(
        ([
          a,
          {
            signature,
            header: { root },
          },
        ]) => must(forkEvidence(a, { ...a, signature, header: { ...a.header, root } }), "a fork"),
      ),
      fc.tuple(arbitrary.acks, arbitrary.acks).map(
        ([
          a,
          {
            statement: { chunkHash },
          },
        ]) =>
          must(
            doubleAckEvidence(a, { by: a.by, statement: { ...a.statement, chunkHash } }),
            "a double ack",
          ),
      ),
    ),
  }),
];

describe.each(formats)("[C2] the bytes of $name", ({ pinned, encode, decode, values }) => {
  test("are the pinned ones", () => {
    for (const [value, bytes] of pinned) {
      expect(toHex(encode(value))).toBe(bytes);
      expect(decode(fromHex(bytes))).toEqual({ ok: true, value });
    }
  });

  test("decode to what was encoded", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decode(encode(value))).toEqual({ ok: true, value });
      }),
      { numRuns: size(100, 5_000) },
    );
  });

  test("are the only ones: changed ones are refused, or are those of another value", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(values, changes, (value, where) => {
        const changed = encode(value).slice();
        for (const [at, byte] of where) changed[at % changed.length] = byte;
        const decoded = decode(changed);
        if (decoded.ok) expect(toHex(encode(decoded.value))).toBe(toHex(changed));
      }),
      { numRuns: size(300, 20_000) },
    );
  });

  test("are as long as they are: every shorter and every longer text is refused", () => {
    const bytes = fromHex(pinned[0]?.[1] ?? "");
    for (let length = 0; length < bytes.length; length++) {
      expect(decode(bytes.subarray(0, length)).ok).toBe(false);
    }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(decode(longer)).toEqual({ ok: false, error: "length" });
  });

  test("are read from the middle of a buffer into bytes of their own", () => {
    const [value, text] = must(pinned[0], "a pinned value");
    const bytes = fromHex(text);
    const outer = new Uint8Array(bytes.length + 9).fill(0xff);
    outer.set(bytes, 5);
    const decoded = decode(outer.subarray(5, 5 + bytes.length));
    outer.fill(0);
    expect(decoded).toEqual({ ok: true, value });
  });

  test("begin with the version", () => {
    const bytes = fromHex(pinned[0]?.[1] ?? "");
    for (const version of [0, 2, 255]) {
      bytes[0] = version;
      expect(decode(bytes)).toEqual({ ok: false, error: "value" });
    }
  });
});

describe("[C2] hashes and preimages", () => {
  test("are the pinned ones", () => {
    const { record } = one.genesis;
    expect(toHex(recordPreimage(record))).toBe(vectors.genesis.preimage);
    expect(recordHash(record)).toBe(vectors.genesis.hash);
    expect(toHex(sha256(fromHex(vectors.genesis.preimage)))).toBe(vectors.genesis.hash);
    expect(recordHash(one.successor.record)).toBe(vectors.successor.hash);
    expect(one.chunks.map(({ ref }) => ref.hash)).toEqual(vectors.chunkHashes);
    expect(toHex(ackPreimage(ack.statement))).toBe(vectors.ack.preimage);
  });

  test("a preimage is its domain with its length, then the statement", () => {
    const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);
    const preimage = ackPreimage(ack.statement);
    expect([preimage[0], preimage[1]]).toEqual([0, ACK_DOMAIN.length]);
    expect(text(preimage.subarray(2, 2 + ACK_DOMAIN.length))).toBe(ACK_DOMAIN);
    expect(preimage.length).toBe(2 + ACK_DOMAIN.length + 108);
    expect(recordPreimage(one.genesis.record).length).toBe(
      2 + EPOCH_DOMAIN.length + encodeRecord(one.genesis.record).length,
    );
  });

  test("no two kinds of message begin alike", () => {
    const domains = [ACK_DOMAIN, EPOCH_DOMAIN, REPORT_DOMAIN, VOTE_DOMAIN, CHUNK_DOMAIN];
    const heads = domains.map((domain) => `${domain.length}${domain}`);
    for (const head of heads) {
      expect(heads.filter((other) => other.startsWith(head))).toEqual([head]);
    }
  });

  test("an ack binds every field", () => {
    const { statement } = ack;
    const changes = [
      { chainId: statement.chainId + 1 },
      { app: example().chunks[0].header.header.app.replace("11", "12") },
      { epoch: statement.epoch + 1 },
      { recordHash: hash32(`0x${"ab".repeat(32)}`) },
      { height: statement.height + 1 },
      { chunkHash: rival.ref.hash },
    ];
    const preimages = changes.map((change) =>
      toHex(ackPreimage({ ...statement, ...change } as typeof statement)),
    );
    expect(new Set([...preimages, toHex(ackPreimage(statement))]).size).toBe(changes.length + 1);
  });
});

test("[C2] whether there is a tip is said by 0 or 1", () => {
  const flagAt = 1 + 28 + 32 + 8 + 1 + 1;
  const vote = voteOf(one);
  const bytes = encodeVote({ ...vote, statement: { ...vote.statement, tip: null } });
  expect(decodeVote(bytes).ok).toBe(true);
  for (const flag of [2, 255]) {
    bytes[flagAt] = flag;
    expect(decodeVote(bytes)).toEqual({ ok: false, error: "value" });
  }
});

describe("[C2] the text of a receipt", () => {
  test.each(["ordered", "certified", "rollback"] as const)("%s is the pinned one", (name) => {
    const text = JSON.stringify(vectors.receipts[name]);
    expect(formatReceipt(one[name])).toBe(text);
    expect(parseReceipt(text)).toEqual({ ok: true, value: one[name] });
  });
});
