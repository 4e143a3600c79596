/** What a validator keeps: rows of its machines, payloads, signed records and its own signatures. */

import type { Certificate } from "../core/consensus/certificate.ts";
import type { ElectionDurable } from "../core/consensus/election-state.ts";
import type { SignedRecord } from "../core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import type { LineChunk } from "../core/consensus/line.ts";
import {
  applyRows,
  lineTo,
  newValidator,
  type ValidatorDurable,
  type ValidatorRow,
} from "../core/consensus/validator-state.ts";
import { must } from "../core/types/assert.ts";
import type { Hash32 } from "../core/types/hex.ts";
import { withSignature } from "./signature-book.ts";

/** One atomic write. */
export type ValidatorWrite =
  | {
      readonly is: "rows";
      readonly rows: readonly ValidatorRow[];
      /** Of the chunks among the rows. */
      readonly payloads: readonly (readonly [Hash32, Uint8Array])[];
      /** Of the records among the rows. */
      readonly records: readonly SignedRecord[];
      /** Made since the last write. */
      readonly signatures: readonly KeptSignature[];
    }
  | { readonly is: "election"; readonly election: ElectionDurable }
  | { readonly is: "proposal"; readonly voted: VotedProposal };

/** C3: what was signed last of each kind, so that it is sent again and not signed again. */
export type KeptSignature = {
  readonly kind: string;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
};

/** A vote for a proposal binds: another payload of this number gets none. */
export type VotedProposal = {
  readonly term: number;
  readonly sequence: number;
  readonly digest: Hash32;
};

export type ValidatorImage = {
  readonly durable: ValidatorDurable;
  /** From epoch 0 on. */
  readonly records: readonly SignedRecord[];
  readonly election: ElectionDurable | null;
  readonly signatures: readonly KeptSignature[];
  readonly voted: readonly VotedProposal[];
};

export type ValidatorStore = {
  readonly load: () => Promise<ValidatorImage>;
  /** Durable when it resolves, in the order of the calls. */
  readonly write: (write: ValidatorWrite) => Promise<void>;
  readonly payload: (hash: Hash32) => Promise<Uint8Array | null>;
  /** A chunk that was certified when it was stored, by height. */
  readonly certifiedAt: (height: number) => Promise<LineChunk | null>;
  /**
   * The newest certificate that is kept of a stored chunk at or below this height. A store keeps the
   * newest one, and of older ones at least one in any 4 096 heights: whoever catches up stops at each.
   */
  readonly certificateUpTo: (height: number) => Promise<Certificate | null>;
  /**
   * A certified chunk that a log may be begun with, since whatever is before it is kept in another form,
   * and the first certificate that is kept at or above it. Absent, null: there is none.
   */
  readonly beginning?: () => Promise<KeptBeginning | null>;
};

export type KeptBeginning = { readonly height: number; readonly certificate: Certificate };

/** What a write moves beyond the window of recent chunks, sooner or later: a store keeps it by height. */
export type Archived = {
  readonly chunks: readonly LineChunk[];
  readonly certificates: readonly Certificate[];
};

/** `before`: as it was before these rows. */
export function archivedBy(before: ValidatorDurable, rows: readonly ValidatorRow[]): Archived {
  const chunks: LineChunk[] = [];
  const certificates: Certificate[] = [];
  let durable = before;
  let waiting: ValidatorRow[] = [];
  for (const row of rows) {
    waiting.push(row);
    if (row.row !== "certificate" && row.row !== "checkpoint") continue;
    durable = applyRows(durable, waiting.slice(0, -1));
    waiting = [row];
    if (row.row === "certificate") {
      const line = lineTo(durable, row.certificate.chunk) ?? [];
      chunks.push(...line);
      if (line.length > 0) certificates.push(row.certificate);
    }
    if (row.row === "checkpoint") {
      chunks.push(row.chunk);
      certificates.push(row.certificate);
    }
  }
  return { chunks, certificates };
}

/** Proposals of a term that a validator remembers its vote for: more are pending nowhere. */
export const VOTED_MAX = 1_024;

export function applyWrite(image: ValidatorImage, write: ValidatorWrite): ValidatorImage {
  switch (write.is) {
    case "rows": {
      const durable = applyRows(image.durable, write.rows);
      const signatures = write.signatures.reduce(withSignature, image.signatures);
      return { ...image, durable, signatures, records: [...image.records, ...write.records] };
    }
    case "election":
      return { ...image, election: write.election };
    case "proposal":
      return { ...image, voted: [...image.voted, write.voted].slice(-VOTED_MAX) };
  }
}

/** A store in memory. It outlives the validator that writes it, and no more. */
export class MemoryValidatorStore implements ValidatorStore {
  #image: ValidatorImage;
  readonly #payloads = new Map<Hash32, Uint8Array>();
  readonly #certified = new Map<number, LineChunk>();
  /** Ascending. */
  #certificates: readonly Certificate[] = [];
  #begins: number | null = null;

  constructor(genesis: SignedRecord, known: KnownRecord) {
    const durable = newValidator(known);
    this.#image = { durable, records: [genesis], election: null, signatures: [], voted: [] };
  }

  /** A backup: the same as of now, and independent from now on. */
  copy(): MemoryValidatorStore {
    const [genesis] = this.#image.records;
    const copy = new MemoryValidatorStore(
      must(genesis, "there is a first record"),
      this.#image.durable.head,
    );
    copy.#image = this.#image;
    for (const [hash, bytes] of this.#payloads) copy.#payloads.set(hash, bytes);
    for (const [height, chunk] of this.#certified) copy.#certified.set(height, chunk);
    copy.#certificates = this.#certificates;
    copy.#begins = this.#begins;
    return copy;
  }

  get image(): ValidatorImage {
    return this.#image;
  }

  load(): Promise<ValidatorImage> {
    return Promise.resolve(this.#image);
  }

  write(write: ValidatorWrite): Promise<void> {
    const before = this.#image;
    this.#image = applyWrite(before, write);
    if (write.is === "rows") {
      for (const [hash, bytes] of write.payloads) this.#payloads.set(hash, bytes);
      const { chunks, certificates } = archivedBy(before.durable, write.rows);
      for (const one of chunks) this.#certified.set(one.ref.height, one);
      this.#certificates = [...this.#certificates, ...certificates];
    }
    return Promise.resolve();
  }

  payload(hash: Hash32): Promise<Uint8Array | null> {
    return Promise.resolve(this.#payloads.get(hash) ?? null);
  }

  certifiedAt(height: number): Promise<LineChunk | null> {
    return Promise.resolve(this.#certified.get(height) ?? null);
  }

  /** A log may be begun with this chunk. */
  begins(height: number): void {
    this.#begins = height;
  }

  /** Gives up what is certified below this height, which a log may be begun with from now on. */
  forget(below: number): void {
    this.begins(below);
    for (const [height, { ref }] of this.#certified) {
      if (height >= below) continue;
      this.#certified.delete(height);
      this.#payloads.delete(ref.hash);
    }
    this.#certificates = this.#certificates.filter(({ chunk }) => chunk.height >= below);
  }

  beginning(): Promise<KeptBeginning | null> {
    const height = this.#begins;
    const [certificate] = this.#certificates.filter(({ chunk }) => chunk.height >= (height ?? 0));
    const isKept = height !== null && certificate !== undefined;
    return Promise.resolve(isKept ? { height, certificate } : null);
  }

  certificateUpTo(height: number): Promise<Certificate | null> {
    const found = this.#certificates.findLast(({ chunk }) => chunk.height <= height);
    return Promise.resolve(found ?? null);
  }
}
