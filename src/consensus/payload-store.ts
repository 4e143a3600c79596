/**
 * A candidate's log: chunks with their payloads, certificates, and what it began to take over.
 *
 * A write is durable when its promise resolves, and writes are atomic. Up to the certified end the log
 * never changes; beyond it, `adopt` replaces what an epoch does not inherit.
 */

import type { Certificate } from "../core/consensus/certificate.ts";
import { type LineEnd, lineEnd } from "../core/consensus/line.ts";
import { chunkRef, type SignedHeader } from "../core/consensus/signed-header.ts";
import type { ChunkRef, Epoch } from "../core/consensus/types.ts";
import { assert, must } from "../core/types/assert.ts";
import type { Hash32 } from "../core/types/hex.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";

/** Where a payload stands among payloads; an opening chunk has none. */
export type Place = { readonly height: number; readonly digest: Hash32 };

export type LogEntry = {
  readonly ref: ChunkRef;
  readonly signed: SignedHeader;
  /** Null where it was pruned. */
  readonly bytes: Uint8Array | null;
  readonly place: Place | null;
};

/** What a candidate asks of its log. Heights count from the log's root; a store may begin beyond 0. */
export type PayloadStore = {
  /** The newest chunk, and the newest certified one. */
  readonly ends: () => Promise<{ readonly newest: LineEnd; readonly certified: LineEnd }>;
  /** From this height on, which is beyond the certified end, the log becomes `entries`, linked to it. */
  readonly adopt: (from: number, entries: readonly LogEntry[]) => Promise<void>;
  /** The chunk is in the log. */
  readonly certify: (certificate: Certificate) => Promise<void>;
  /** Drops payloads up to this height, which is a certificate's; headers and certificates stay. */
  readonly prune: (through: number) => Promise<void>;
  /** The newest chunk whose payload is gone, in one look-up; null when all are there. */
  readonly prunedThrough: () => Promise<ChunkRef | null>;
  /** Entries from one height to another, both included, as far as the log and `bytesMax` go; at least one. */
  readonly page: (from: number, through: number, bytesMax: number) => Promise<readonly LogEntry[]>;
  /** The first certificate at or above this height. */
  readonly certificateFor: (height: number) => Promise<Certificate | null>;
  /** The newest epoch for which a record was made here: no older one is led from then on. */
  readonly takeover: () => Promise<Epoch | null>;
  readonly saveTakeover: (epoch: Epoch) => Promise<void>;
};

/** A log that the library writes itself, read as payloads. */
export type ConductorStore = PayloadStore & {
  readonly append: (entry: LogEntry) => Promise<void>;
  readonly byPayloadHeight: (height: number) => Promise<LogEntry | null>;
  readonly byDigest: (digest: Hash32) => Promise<LogEntry | null>;
  /** The newest entry with a payload, at or below this height of the log. */
  readonly latest: (through: number) => Promise<LogEntry | null>;
};

/** Payloads of one page, where nobody is told more. */
const PAGE_BYTES = BLOB_BYTES_MAX;

/** A log in memory. It outlives the conductor that writes it, and no more. */
export class MemoryPayloadStore implements ConductorStore {
  readonly #root: LineEnd;
  #entries: LogEntry[] = [];
  #certificates: Certificate[] = [];
  #certified: LineEnd;
  #takeover: Epoch | null = null;

  /** `root`: what the first chunk follows. */
  constructor(root: LineEnd) {
    this.#root = root;
    this.#certified = root;
  }

  ends(): Promise<{ readonly newest: LineEnd; readonly certified: LineEnd }> {
    const last = this.#entries.at(-1);
    const newest = last === undefined ? this.#root : lineEnd(last.signed.header, last.ref.hash);
    return Promise.resolve({ newest, certified: this.#certified });
  }

  append(entry: LogEntry): Promise<void> {
    const parent = this.#entries.at(-1)?.ref.hash ?? this.#root.hash;
    assert(entry.signed.header.parent === parent, "a log is linked");
    this.#entries.push(entry);
    return Promise.resolve();
  }

  adopt(from: number, entries: readonly LogEntry[]): Promise<void> {
    assert(from > this.#certified.height, "what is certified stays");
    const kept = this.#entries.filter(({ ref }) => ref.height < from);
    const linked = [...kept, ...entries];
    const parents = [this.#root.hash, ...linked.map(({ ref }) => ref.hash)];
    assert(
      linked.every((one, i) => one.signed.header.parent === parents[i]),
      "a log is linked",
    );
    this.#entries = linked;
    return Promise.resolve();
  }

  certify(certificate: Certificate): Promise<void> {
    const { height, hash } = certificate.chunk;
    const entry = must(this.#find(height), "what is certified is in the log");
    assert(entry.ref.hash === hash, "what is certified is in the log");
    this.#certificates.push(certificate);
    if (height > this.#certified.height) {
      this.#certified = lineEnd(entry.signed.header, entry.ref.hash);
    }
    return Promise.resolve();
  }

  prune(through: number): Promise<void> {
    assert(through <= this.#certified.height, "only what is certified is pruned");
    this.#entries = this.#entries.map((entry) =>
      entry.ref.height <= through ? { ...entry, bytes: null } : entry,
    );
    return Promise.resolve();
  }

  page(from: number, through: number, bytesMax: number): Promise<readonly LogEntry[]> {
    const page: LogEntry[] = [];
    let bytes = 0;
    for (let height = from; height <= through; height++) {
      const entry = this.#find(height);
      bytes += entry?.bytes?.length ?? 0;
      if (entry === null || (page.length > 0 && bytes > bytesMax)) break;
      page.push(entry);
    }
    return Promise.resolve(page);
  }

  prunedThrough(): Promise<ChunkRef | null> {
    return Promise.resolve(this.#entries.findLast(({ bytes }) => bytes === null)?.ref ?? null);
  }

  certificateFor(height: number): Promise<Certificate | null> {
    const found = this.#certificates.find(({ chunk }) => chunk.height >= height);
    return Promise.resolve(found ?? null);
  }

  byPayloadHeight(height: number): Promise<LogEntry | null> {
    return Promise.resolve(this.#entries.find(({ place }) => place?.height === height) ?? null);
  }

  byDigest(digest: Hash32): Promise<LogEntry | null> {
    return Promise.resolve(this.#entries.find(({ place }) => place?.digest === digest) ?? null);
  }

  latest(through: number): Promise<LogEntry | null> {
    const found = this.#entries.findLast(
      ({ ref, place }) => place !== null && ref.height <= through,
    );
    return Promise.resolve(found ?? null);
  }

  takeover(): Promise<Epoch | null> {
    return Promise.resolve(this.#takeover);
  }

  saveTakeover(epoch: Epoch): Promise<void> {
    this.#takeover = epoch;
    return Promise.resolve();
  }

  #find(height: number): LogEntry | null {
    return this.#entries[height - this.#root.height - 1] ?? null;
  }
}

export function logEntry(signed: SignedHeader, bytes: Uint8Array, place: Place | null): LogEntry {
  return { ref: chunkRef(signed.header), signed, bytes, place };
}

/** A stretch of a log in pages, so that its payloads are never all in memory. Empty where `from` is beyond. */
export async function* pagesOf(
  store: Pick<PayloadStore, "page">,
  from: number,
  through: number,
): AsyncGenerator<readonly LogEntry[]> {
  for (let next = from; next <= through; ) {
    const page = await store.page(next, through, PAGE_BYTES);
    if (page.length === 0) return;
    yield page;
    next += page.length;
  }
}
