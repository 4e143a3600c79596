/**
 * The validator's database against the store in memory: whatever is written, both say the same, also
 * after the rows are read back (C4).
 */

import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MemoryValidatorStore, type ValidatorWrite } from "../../src/consensus/validator-store.ts";
import type { SignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { forkEvidence } from "../../src/core/consensus/evidence.ts";
import { type LineChunk, lineChunk } from "../../src/core/consensus/line.ts";
import { candidateIndex, epoch, memberIndex, type Signer } from "../../src/core/consensus/types.ts";
import { lineTo, type ValidatorRow } from "../../src/core/consensus/validator-state.ts";
import { must } from "../../src/core/types/assert.ts";
import { insertFirstState } from "../../src/durable-objects/validator/storage/state.ts";
import { SqliteValidatorStore } from "../../src/durable-objects/validator/storage/store.ts";
import {
  type Chunk,
  certify,
  chunkAfter,
  opAt,
  recordOf,
  sequencers,
  signersOf,
  signRecord,
} from "../support/committee.ts";
import { example, reportOf, voteOf } from "../support/committee-example.ts";
import { size } from "../support/size.ts";
import { catchMessages, configure, sent, validator } from "./support/committee-rig.ts";

beforeEach(() => {
  configure();
  catchMessages();
});
afterEach(() => void vi.restoreAllMocks());

const signers: readonly Signer[] = signersOf("p256", [1, 2, 3, 4]);
const genesis: SignedRecord = signRecord(recordOf(signers), signers);
const known = knownRecord(genesis.record);

/** Runs a script of writes on both stores, and compares them after each of `steps` of them. */
async function bothSay(
  name: string,
  first: SignedRecord,
  script: (memory: MemoryValidatorStore) => Generator<ValidatorWrite>,
): Promise<void> {
  await runInDurableObject(validator(name), async (_, { storage }) => {
    storage.transactionSync(() => insertFirstState(storage.sql, first));
    const memory = new MemoryValidatorStore(first, knownRecord(first.record));
    let store = new SqliteValidatorStore(storage, 0);
    let at = 0;
    const begun = new Set<string>();
    for (const write of script(memory)) {
      for (const row of write.is === "rows" ? write.rows : []) {
        if (row.row === "checkpoint") begun.add(row.chunk.ref.hash);
      }
      await memory.write(write);
      await store.write(write);
      at += 1;
      // Now and then a new life: everything comes from the rows.
      if (at % 3 === 0) store = new SqliteValidatorStore(storage, 0);
      if (at % 7 !== 0) continue;
      expect(await store.load()).toEqual(await memory.load());
    }
    store = new SqliteValidatorStore(storage, 0);
    expect(await store.load()).toEqual(await memory.load());
    for (let height = 0; height < 40; height++) {
      expect(await store.certifiedAt(height)).toEqual(await memory.certifiedAt(height));
      const chunk = await memory.certifiedAt(height);
      const hash = chunk?.ref.hash ?? known.hash;
      // A chunk that was given up is gone here, also when it comes back as a beginning.
      if (!begun.has(hash)) expect(await store.payload(hash)).toEqual(await memory.payload(hash));
    }
    const { lock } = memory.image.durable;
    const newest = await store.certificateUpTo(Number.MAX_SAFE_INTEGER);
    const best = await memory.certificateUpTo(Number.MAX_SAFE_INTEGER);
    expect(newest).toEqual(best);
    expect([null, best?.chunk.height]).toContain(lock === null ? null : best?.chunk.height);
  });
}

function rows(memberRows: readonly ValidatorRow[], chunks: readonly Chunk[] = []): ValidatorWrite {
  const payloads = chunks.map((one) => [one.ref.hash, sent(one).payload] as const);
  return { is: "rows", rows: memberRows, payloads, records: [], signatures: [] };
}

const lineOf = ({ ref, header }: Chunk): LineChunk => ({ ref, signed: header });

/** A generator of numbers below `below`: one seed is one run. */
function dice(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return state % below;
  };
}

/** Chunks, forks of them, acks, certificates and evidence in an order that a seed decides. */
function* life(seed: number, memory: MemoryValidatorStore): Generator<ValidatorWrite> {
  const roll = dice(seed);
  const all: Chunk[] = [];
  let evidence = 0;
  for (let step = 0; step < 120; step++) {
    const { durable } = memory.image;
    const heads = all.filter(({ ref }) => ref.height >= durable.base.height);
    const parent = heads[roll(Math.max(heads.length, 1))] ?? null;
    const choice = roll(10);
    if (choice < 5) {
      const next = parent === null ? 1 : parent.header.header.nextOffset;
      const isLost = parent !== null && lineTo(durable, parent.ref) === null;
      if (isLost || (parent === null && durable.base.height >= 0)) continue;
      const events = Array.from({ length: 1 + roll(3) }, (_, i) => opAt(next + i));
      const chunk = chunkAfter(parent, events);
      if (durable.chunks.some(({ ref }) => ref.hash === chunk.ref.hash)) continue;
      all.push(chunk);
      yield rows([{ row: "chunk", chunk: lineOf(chunk) }], [chunk]);
    } else if (choice < 7 && parent !== null) {
      const { tip } = durable;
      const isLine = lineTo(durable, parent.ref) !== null;
      if (!isLine || parent.ref.height <= (tip?.chunk.ref.height ?? -1)) continue;
      yield rows([{ row: "ack", tip: { ackEpoch: epoch(0), chunk: lineOf(parent) } }]);
    } else if (choice < 9 && parent !== null) {
      if (parent.ref.height <= (durable.lock?.chunk.height ?? -1)) continue;
      const certificate = certify(known, signers.slice(0, 3), parent.ref);
      if (roll(4) > 0 || lineTo(durable, parent.ref) !== null) {
        yield rows([{ row: "certificate", certificate }]);
        continue;
      }
      yield rows([{ row: "checkpoint", chunk: lineOf(parent), certificate }]);
    } else if (parent !== null) {
      const rival = chunkAfter(parent, [opAt(parent.header.header.nextOffset)], sequencers.one);
      const other = chunkAfter(parent, [
        opAt(parent.header.header.nextOffset),
        opAt(parent.header.header.nextOffset + 1),
      ]);
      const found = forkEvidence(rival.header, other.header);
      const isKnown = durable.evidence.some((one) => JSON.stringify(one) === JSON.stringify(found));
      if (found === null || isKnown || evidence++ > 10) continue;
      yield rows([{ row: "evidence", evidence: found }]);
    }
  }
}

const seeds = Array.from({ length: size(6, 40) }, (_, i) => i + 1);

test("[C4] the database and the memory say the same through a life of chunks and forks", async () => {
  for (const seed of seeds) {
    await bothSay(`store-${seed}`, genesis, (memory) => life(seed, memory));
  }
});

test("[C4] promises, takeovers, records, elections, votes and signatures come back as they were", async () => {
  const one = example();
  const report = reportOf(one);
  const vote = voteOf(one);
  const [a, b, c, d] = one.chunks;
  function* script(): Generator<ValidatorWrite> {
    for (const chunk of [a, b, c]) yield rows([{ row: "chunk", chunk: lineOf(chunk) }], [chunk]);
    yield rows([{ row: "ack", tip: { ackEpoch: epoch(0), chunk: lineOf(c) } }]);
    yield { is: "election", election: { term: epoch(1), vote: null } };
    yield { is: "election", election: { term: epoch(1), vote: vote.statement } };
    yield rows([
      { row: "promise", promised: { epoch: epoch(1), candidate: candidateIndex(1) } },
      { row: "accepted", accepted: [{ known: one.second, reports: [report] }] },
    ]);
    yield {
      is: "rows",
      rows: [{ row: "record", known: one.second }],
      payloads: [],
      records: [one.successor],
      signatures: [],
    };
    yield rows([{ row: "chunk", chunk: lineOf(d) }], [d]);
    yield rows([{ row: "ack", tip: { ackEpoch: epoch(1), chunk: lineOf(d) } }]);
    yield rows([
      { row: "certificate", certificate: certify(one.second, one.validators.slice(1), d.ref) },
    ]);
    yield { is: "election", election: { term: epoch(2), vote: null } };
    for (let i = 0; i < 70; i++) {
      const signature = new Uint8Array(64).fill(i);
      const kind = i % 3 === 0 ? "ack" : `record ${i}`;
      const signatures = [{ kind, message: Uint8Array.of(i), signature }];
      yield { is: "rows", rows: [], payloads: [], records: [], signatures };
    }
    for (let i = 0; i < 1_030; i++) {
      yield { is: "proposal", voted: { term: 1, sequence: i, digest: one.first.hash } };
    }
  }
  await bothSay("store-epochs", one.genesis, script);
});

test("[C2] of old certificates one stays in any 4 096 heights, and the newest always", async () => {
  const chunk = chunkAfter(null, [opAt(1)]);
  await runInDurableObject(validator("store-certificates"), async (_, { storage }) => {
    storage.transactionSync(() => insertFirstState(storage.sql, genesis));
    const store = new SqliteValidatorStore(storage, 0);
    const base = certify(known, signers.slice(0, 3), chunk.ref);
    const heights = Array.from({ length: 300 }, (_, i) => i * 67);
    for (const height of heights) {
      const header = { ...chunk.header.header, height };
      const signed = { ...chunk.header, header };
      const line = lineChunk(signed);
      const certificate = { ...base, chunk: line.ref };
      await store.write(rows([{ row: "checkpoint", chunk: line, certificate }]));
    }
    const kept = storage.sql
      .exec<{ height: number }>("SELECT height FROM certificates ORDER BY height")
      .toArray()
      .map(({ height }) => height);
    expect(kept.at(-1)).toBe(heights.at(-1));
    expect(kept.length).toBeLessThan(20);
    for (const [i, height] of kept.entries()) {
      expect(height - (kept[i - 1] ?? 0)).toBeLessThanOrEqual(4_096);
    }
    const asked = must(heights[200], "a height");
    const found = await store.certificateUpTo(asked);
    expect(asked - must(found, "a certificate").chunk.height).toBeLessThan(4_096);
    expect(found?.signatures.signers).toEqual([0, 1, 2].map(memberIndex));
  });
});
