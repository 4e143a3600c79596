/**
 * What a validator never forgets, as rows, and the questions that its rules ask of them (C4, C6).
 *
 * The rows are the durable state: `applyRow` is how they add up, for the machine that decides, for a
 * store in memory and for whoever reads a database back. What a driver keeps beyond them are payloads,
 * under their chunk's hash, and the chain of signed records.
 */

import { bytesEqual } from "../types/bytes.ts";
import type { Hash32 } from "../types/hex.ts";
import type { Certificate } from "./certificate.ts";
import type { EpochRecord, KnownRecord } from "./epoch-record.ts";
import type { Evidence } from "./evidence.ts";
import { type LineChunk, type LineEnd, lineEnd, startOfEpoch } from "./line.ts";
import type { Report } from "./report.ts";
import {
  type CandidateIndex,
  type ChunkRef,
  type Epoch,
  type MemberIndex,
  memberIndex,
  type Tip,
} from "./types.ts";

/** Chunks beyond the base: as many as a leader may have uncertified. */
export const LINE_CHUNKS_MAX: number = 10_000;
/** Certified chunks whose headers stay, so that a late second one at their height is evidence. */
export const RECENT_CHUNKS: number = 64;
/** Chunks that were let go of, as many as are remembered and as one message shows; and of one occasion. */
export const GIVEN_UP_MAX: number = 32;
const GIVEN_UP_AT_ONCE = 8;
/** Pieces of evidence that are kept; the first ones are the ones that matter. */
export const EVIDENCE_MAX: number = 64;
/** Records that were signed and not seen certified: each failed takeover adds at most one. */
export const ACCEPTED_RECORDS_MAX: number = 64;

/** A record that wants to follow the newest certified one, with the reports that justify it. */
export type Takeover = { readonly known: KnownRecord; readonly reports: readonly Report[] };

/** Who may be acked: nobody of an older epoch. The candidate is null where a record alone says so. */
export type Promised = { readonly epoch: Epoch; readonly candidate: CandidateIndex | null };

export type AckedTip = { readonly ackEpoch: Epoch; readonly chunk: LineChunk };

export type ValidatorDurable = {
  /** The newest certified record. */
  readonly head: KnownRecord;
  readonly promised: Promised;
  /** Signed, linked to the head, not seen certified. */
  readonly accepted: readonly Takeover[];
  readonly tip: AckedTip | null;
  /** The highest certificate seen, also of a chunk that is not at hand. */
  readonly lock: Certificate | null;
  /** The newest certified chunk up to which everything is stored. */
  readonly base: LineEnd;
  /** Stored with their payload: what is beyond the base, and the newest below it. */
  readonly chunks: readonly LineChunk[];
  /** Let go of without a certificate: whoever stores another chunk in the place of one has proof of a fork. */
  readonly givenUp: readonly LineChunk[];
  readonly evidence: readonly Evidence[];
};

export type ValidatorRow =
  | { readonly row: "promise"; readonly promised: Promised }
  | { readonly row: "accepted"; readonly accepted: readonly Takeover[] }
  | { readonly row: "record"; readonly known: KnownRecord }
  | { readonly row: "chunk"; readonly chunk: LineChunk }
  | { readonly row: "ack"; readonly tip: AckedTip }
  | { readonly row: "certificate"; readonly certificate: Certificate }
  | {
      readonly row: "checkpoint";
      readonly chunk: LineChunk;
      readonly certificate: Certificate;
    }
  | { readonly row: "evidence"; readonly evidence: Evidence };

/** A validator that joins with the first record, and stores nothing of what that one inherits. */
export function newValidator(genesis: KnownRecord): ValidatorDurable {
  return {
    head: genesis,
    promised: { epoch: genesis.record.epoch, candidate: genesis.record.leader },
    accepted: [],
    tip: null,
    lock: null,
    base: startOfEpoch(genesis.record.start),
    chunks: [],
    givenUp: [],
    evidence: [],
  };
}

export function applyRows(
  durable: ValidatorDurable,
  rows: readonly ValidatorRow[],
): ValidatorDurable {
  let at = durable;
  for (let i = 0; i < rows.length; ) {
    const run = chunksFrom(rows, i);
    // One copy for all of them: a member that catches up stores hundreds at a time.
    if (run.length > 0) at = { ...at, chunks: [...at.chunks, ...run] };
    const row = rows[i + run.length];
    if (row !== undefined) at = applyRow(at, row);
    i += run.length + 1;
  }
  return at;
}

/** The chunks of the rows from there on, up to the first row that is none. */
function chunksFrom(rows: readonly ValidatorRow[], from: number): readonly LineChunk[] {
  const run: LineChunk[] = [];
  for (let row = rows[from]; row?.row === "chunk"; row = rows[from + run.length]) {
    run.push(row.chunk);
  }
  return run;
}

function applyRow(durable: ValidatorDurable, row: ValidatorRow): ValidatorDurable {
  switch (row.row) {
    case "promise":
      return { ...durable, promised: row.promised };
    case "accepted":
      return { ...durable, accepted: row.accepted };
    case "record":
      return withHead(durable, row.known);
    case "chunk":
      return { ...durable, chunks: [...durable.chunks, row.chunk] };
    case "ack":
      return withTip(durable, row.tip);
    case "certificate":
      return withCertificate(durable, row.certificate);
    case "checkpoint":
      return withCheckpoint(durable, row.chunk, row.certificate);
    case "evidence":
      return { ...durable, evidence: [...durable.evidence, row.evidence] };
  }
}

function withHead(durable: ValidatorDurable, known: KnownRecord): ValidatorDurable {
  const { epoch, leader } = known.record;
  const promised = epoch > durable.promised.epoch ? { epoch, candidate: leader } : durable.promised;
  const next = durable.accepted.findIndex((one) => one.known.record.previous === known.hash);
  const accepted = next === -1 ? [] : durable.accepted.slice(next);
  return { ...durable, head: known, promised, accepted };
}

/** An ack in a new epoch gives up what older epochs left beyond the chunk: no report names it again. */
function withTip(durable: ValidatorDurable, tip: AckedTip): ValidatorDurable {
  const { height, hash } = tip.chunk.ref;
  const line = new Set(lineTo(durable, tip.chunk.ref)?.map(({ ref }) => ref.hash));
  const chunks = durable.chunks.filter(({ ref, signed }) => {
    if (ref.height <= durable.base.height || ref.hash === hash) return true;
    return ref.height <= height ? line.has(ref.hash) : signed.header.epoch === tip.ackEpoch;
  });
  return { ...durable, tip, chunks, givenUp: letGo(durable, chunks, []) };
}

function withCertificate(durable: ValidatorDurable, certificate: Certificate): ValidatorDurable {
  const lock = higherLock(durable.lock, certificate);
  const line = lineTo(durable, certificate.chunk) ?? [];
  const newest = line.at(-1);
  if (newest === undefined) return { ...durable, lock };
  const base = lineEnd(newest.signed.header, newest.ref.hash);
  const isOnLine = new Set(line.map(({ ref }) => ref.hash));
  const chunks = durable.chunks.filter(
    ({ ref }) =>
      ref.height > base.height ||
      (ref.height > base.height - RECENT_CHUNKS &&
        (ref.height <= durable.base.height || isOnLine.has(ref.hash))),
  );
  return { ...durable, lock, base, chunks, givenUp: letGo(durable, chunks, line) };
}

/** What was stored up to there may be on the line of the checkpoint, or not. */
function withCheckpoint(
  durable: ValidatorDurable,
  chunk: LineChunk,
  certificate: Certificate,
): ValidatorDurable {
  const base = lineEnd(chunk.signed.header, chunk.ref.hash);
  const chunks = durable.chunks.filter(({ ref }) => ref.height > base.height);
  const lock = higherLock(durable.lock, certificate);
  const line = lineTo(durable, chunk.ref) ?? [chunk];
  return { ...durable, base, lock, chunks, givenUp: letGo(durable, chunks, line) };
}

/**
 * The chunks that were given up, with those that `kept` and the certified `line` leave out. Of a long
 * branch its ends are enough: one of them stands where the other branch has a chunk.
 */
function letGo(
  { base, chunks, givenUp }: ValidatorDurable,
  kept: readonly LineChunk[],
  line: readonly LineChunk[],
): readonly LineChunk[] {
  const known = new Set([...kept, ...line, ...givenUp].map(({ ref }) => ref.hash));
  const gone = chunks
    .filter(({ ref }) => ref.height > base.height && !known.has(ref.hash))
    .toSorted((a, b) => a.ref.height - b.ref.height);
  if (gone.length === 0) return givenUp;
  const half = GIVEN_UP_AT_ONCE / 2;
  const ends =
    gone.length <= GIVEN_UP_AT_ONCE ? gone : [...gone.slice(0, half), ...gone.slice(-half)];
  return [...givenUp, ...ends].slice(-GIVEN_UP_MAX);
}

/** The certificate that counts for what may be inherited: of the highest chunk. */
function higherLock(lock: Certificate | null, certificate: Certificate): Certificate {
  return lock === null || certificate.chunk.height > lock.chunk.height ? certificate : lock;
}

export function findChunk({ chunks }: ValidatorDurable, hash: Hash32): LineChunk | null {
  // What is asked for is nearly always among the newest; a plain loop, for it runs for every chunk.
  for (let i = chunks.length - 1; i >= 0; i--) {
    const one = chunks[i];
    if (one?.ref.hash === hash) return one;
  }
  return null;
}

/** The stored chunks from the base, without it, to `chunk`; null when one is missing on the way. */
export function lineTo(durable: ValidatorDurable, chunk: ChunkRef): readonly LineChunk[] | null {
  const { base, chunks } = durable;
  const line: LineChunk[] = [];
  let { hash, height }: { readonly hash: Hash32; readonly height: number } = chunk;
  // A chunk is stored after its parent, so one walk from the newest to the oldest meets the whole line.
  for (let i = chunks.length - 1; i >= 0 && height > base.height; i--) {
    const found = chunks[i];
    if (found === undefined || found.ref.hash !== hash) continue;
    if (found.ref.height !== height) return null;
    line.push(found);
    hash = found.signed.header.parent;
    height -= 1;
  }
  return height === base.height && hash === base.hash ? line.toReversed() : null;
}

/** The end that `parent` is: the base or a stored chunk; null when it is neither. */
export function endAt(durable: ValidatorDurable, parent: Hash32): LineEnd | null {
  if (parent === durable.base.hash) return durable.base;
  const found = findChunk(durable, parent);
  return found === null ? null : lineEnd(found.signed.header, found.ref.hash);
}

/** How far the line of the newest record is stored: its newest chunk, else its start, else the base. */
export function heldHeight(durable: ValidatorDurable): number {
  const { head, base, chunks } = durable;
  const own = chunks.findLast(({ signed }) => signed.header.epoch === head.record.epoch);
  if (own !== undefined) return Math.max(own.ref.height, base.height);
  const { inherited } = head.record.start;
  const isStored = inherited !== null && lineTo(durable, inherited) !== null;
  return isStored ? Math.max(inherited.height, base.height) : base.height;
}

export function tipOfAck(tip: AckedTip | null): Tip | null {
  return tip === null ? null : { ...tip.chunk.ref, ackEpoch: tip.ackEpoch };
}

/** A validator's place in a record; null when the record does not list its key. */
export function memberOf(record: EpochRecord, key: Uint8Array): MemberIndex | null {
  const at = record.members.findIndex((member) => bytesEqual(member.key, key));
  return at === -1 ? null : memberIndex(at);
}

/** Whether a stored piece of evidence shows that this epoch's leader signed two chunks at one height. */
export function isForked({ evidence }: ValidatorDurable, epoch: Epoch): boolean {
  return evidence.some((one) => one.kind === "fork" && one.pair[0].header.epoch === epoch);
}
