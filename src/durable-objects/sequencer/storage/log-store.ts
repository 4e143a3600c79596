/**
 * The lane's log as the committee's library reads it: SQLite behind `PayloadStore` (C2, C6).
 *
 * The lane appends chunks and nobody else does: the library reads them, stores certificates, and hands
 * chunks of others to `adopt`, which the log's owner performs. Those wait behind the lane's own until they
 * are projected, and are the log's end meanwhile. A signature is in memory until it is
 * stored with the next certificate; both come before anybody is shown the chunk. Every function does its
 * work in one turn, and the platform holds back whatever leaves until that is durable.
 */

import type { LogEntry, PayloadStore } from "../../../consensus/payload-store.ts";
import type { Certificate } from "../../../core/consensus/certificate.ts";
import { EMPTY_LINE, type LineEnd } from "../../../core/consensus/line.ts";
import { type ChunkRef, epoch, height as heightOf } from "../../../core/consensus/types.ts";
import { must } from "../../../core/types/assert.ts";
import type { UnixMs } from "../../../core/types/units.ts";
import { transact } from "../../shared/transact.ts";
import { type ChunkHead, chunkHeadAt, loadChunkHead, storedHeader } from "./chunks.ts";
import {
  certificateCovering,
  certifiedHeight,
  checkpointHeight,
  insertCertificate,
  insertCheckpoint,
  loadTakeover,
  saveTakeover,
} from "./committee.ts";
import { rootHeight } from "./replica-beginning.ts";
import { isResetting } from "./replica-reset.ts";
import { blob, hashOf } from "./rows.ts";
import { type StoredSignature, signatureOf, storeSignatures } from "./signatures.ts";
import {
  insertWaitingCertificate,
  type WaitingChunk,
  waitingCertificate,
  waitingCertifiedHeight,
  waitingHead,
  waitingHeadAt,
  waitingPage,
} from "./waiting-log.ts";

/** The log cannot become what an epoch inherits: chunks would have to be given up that are in it. */
export class ResetNeeded extends Error {
  override readonly name: string = "ResetNeeded";
}

/** Signatures that are made and not stored yet. */
export type SignatureBook = {
  /** Resolves when every chunk that was committed before the call has its signature here. */
  readonly settled: () => Promise<void>;
  readonly of: (height: number) => StoredSignature | null;
  /** Those up to this height. */
  readonly due: (through: number) => readonly (readonly [number, StoredSignature])[];
  /** Those up to this height are stored: they need not be kept here. */
  readonly stored: (through: number) => void;
};

export type LogStoreOptions = {
  readonly storage: DurableObjectStorage;
  readonly now: () => UnixMs;
  readonly signatures: SignatureBook;
  /** Takes chunks of others into the database; rejects with `ResetNeeded` where it would lose some. */
  readonly adopt: PayloadStore["adopt"];
  /** More of what waits is certified. */
  readonly grew: () => void;
};

/** Chunks of one page, however small. */
const PAGE_CHUNKS_MAX = 256;

type Row = {
  height: number;
  hash: ArrayBuffer;
  header: ArrayBuffer;
  events: ArrayBuffer | null;
  scheme: string | null;
  signature: ArrayBuffer | null;
};

export function logStore(options: LogStoreOptions): PayloadStore {
  const { storage, now, signatures, adopt, grew } = options;
  const { sql } = storage;
  return {
    ends: () => Promise.resolve(logEnds(sql)),
    adopt,
    certify: (certificate) => {
      const { height } = certificate.chunk;
      // A chunk whose certificate is known already has all it needs.
      if (height <= newestCertified(sql)) return Promise.resolve();
      if (isResetting(sql)) return Promise.reject(new ResetNeeded());
      const isWaiting = height > (loadChunkHead(sql)?.height ?? -1);
      transact(storage, () => {
        storeSignatures(sql, signatures.due(height));
        if (isWaiting) insertWaitingCertificate(sql, certificate, now());
        else insertCertificate(sql, certificate, now());
      });
      // Only now: had the transaction failed, they would be needed again.
      signatures.stored(height);
      if (isWaiting) grew();
      return Promise.resolve();
    },
    prune: (through) => {
      // Rows stay as long as readers of the feed need them; retention takes them (F8).
      transact(storage, () => insertCheckpoint(sql, through));
      return Promise.resolve();
    },
    prunedThrough: () => Promise.resolve(prunedChunk(sql)),
    page: async (from, through, bytesMax) => {
      await signatures.settled();
      return page(options, { from, through }, bytesMax);
    },
    certificateFor: (height): Promise<Certificate | null> =>
      Promise.resolve(certificateCovering(sql, height) ?? waitingCertificate(sql, height)),
    takeover: () => {
      const at = loadTakeover(sql);
      return Promise.resolve(at === null ? null : epoch(at));
    },
    saveTakeover: (at) => {
      transact(storage, () => saveTakeover(sql, at));
      return Promise.resolve();
    },
  };
}

/** Where the log ends, and where what is certified of it ends. */
export function logEnds(sql: SqlStorage): {
  readonly newest: LineEnd;
  readonly certified: LineEnd;
} {
  const certified = newestCertified(sql);
  return {
    newest: lineEndOf(waitingHead(sql) ?? loadChunkHead(sql)),
    certified: lineEndOf(certified < 0 ? null : logHeadAt(sql, certified)),
  };
}

/** The newest certified height, also of what waits, and of what a log begins with; -1 before the first. */
export function newestCertified(sql: SqlStorage): number {
  return Math.max(certifiedHeight(sql), waitingCertifiedHeight(sql), rootHeight(sql) ?? -1);
}

function logHeadAt(sql: SqlStorage, height: number): ChunkHead | null {
  return chunkHeadAt(sql, height) ?? waitingHeadAt(sql, height);
}

function lineEndOf(head: ChunkHead | null): LineEnd {
  return head === null ? EMPTY_LINE : { ...head, epoch: epoch(head.epoch) };
}

function prunedChunk(sql: SqlStorage): ChunkRef | null {
  const prunedThrough = checkpointHeight(sql);
  if (prunedThrough < 0) return null;
  const head = must(chunkHeadAt(sql, prunedThrough), "F8: the checkpoint's header stays");
  return { height: heightOf(head.height), hash: head.hash };
}

/** In order, at least one where the log has it, at most `bytesMax` of payloads but for the first. */
function page(
  { storage: { sql }, signatures }: LogStoreOptions,
  { from, through }: { readonly from: number; readonly through: number },
  bytesMax: number,
): readonly LogEntry[] {
  if (from > (loadChunkHead(sql)?.height ?? -1)) {
    return waitingPage(sql, { from, through, bytesMax }).map(waitingEntry);
  }
  const prunedThrough = checkpointHeight(sql);
  const last = pageEnd(sql, { from, through }, bytesMax, prunedThrough);
  return sql
    .exec<Row>(
      `SELECT c.height, c.hash, c.header, k.scheme, k.signature,
         CASE WHEN c.height > ?3 THEN c.events END AS events
       FROM chunks c LEFT JOIN chunk_signatures k ON k.height = c.height
       WHERE c.height BETWEEN ?1 AND ?2 ORDER BY c.height`,
      from,
      last,
      prunedThrough,
    )
    .toArray()
    .map((row) => {
      const signature = signatureOf(row) ?? signatures.of(row.height);
      return toEntry(row, must(signature, "C2: a chunk is signed before it is shown"));
    });
}

/** The last height that fits: sizes are read before payloads are, which may be 1 MiB each. */
function pageEnd(
  sql: SqlStorage,
  { from, through }: { readonly from: number; readonly through: number },
  bytesMax: number,
  prunedThrough: number,
): number {
  const rows = sql.exec<{ height: number; bytes: number }>(
    "SELECT height, length(events) AS bytes FROM chunks WHERE height BETWEEN ? AND ? ORDER BY height LIMIT ?",
    from,
    through,
    PAGE_CHUNKS_MAX,
  );
  let last = from;
  let bytes = 0;
  for (const row of rows.toArray()) {
    bytes += row.height > prunedThrough ? row.bytes : 0;
    if (row.height > from && bytes > bytesMax) break;
    last = row.height;
  }
  return last;
}

function toEntry(row: Row, { scheme, signature }: StoredSignature): LogEntry {
  return {
    ref: { height: heightOf(row.height), hash: hashOf(row.hash) },
    signed: { header: storedHeader(row.header), scheme, signature },
    bytes: row.events === null ? null : blob(row.events),
    place: null,
  };
}

function waitingEntry({ header, hash, events, signature }: WaitingChunk): LogEntry {
  const ref = { height: heightOf(header.height), hash };
  return { ref, signed: { header, ...signature }, bytes: events, place: null };
}
