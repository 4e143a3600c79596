/**
 * How far the log is certified, and what follows from that: what may be posted, shown and ordered.
 *
 * Answers come from the rows and are remembered until one of the two ends moves, which its owner says.
 * Rules C6, C7 and F3. Nothing here writes.
 */

import type { ChunkEvent } from "../../core/chunk/event.ts";
import type { ChunkHeader } from "../../core/chunk/header.ts";
import { UNCERTIFIED_EVENTS_MAX } from "../../core/consensus/types.ts";
import type { CertificateRecord } from "../../core/feed/certificate-record.ts";
import { must } from "../../core/types/assert.ts";
import type { Result } from "../../core/types/result.ts";
import { type Offset, offset } from "../../core/types/units.ts";
import type { L1Error } from "../../l1/l1.ts";
import type { Reading } from "./following.ts";
import { chunkHeadAt, eventsAbove } from "./storage/chunks.ts";
import {
  certifiedHeight,
  factsAt,
  type LogFacts,
  NO_FACTS,
  oldestRollbackFrom,
} from "./storage/committee.ts";

/** What the duties ask of a committee. */
export type DutiesCommittee = {
  readonly log: CertifiedLog;
  /** C6: who does not lead reads, and neither repairs, posts nor begins anything. */
  readonly leads: () => boolean;
  /** Only the first candidate begins a history, and only before there is a committee. */
  readonly mayBegin: () => boolean;
  /** C2: a repair waits for the certificate of what is committed. */
  readonly hurry: () => void;
  /** C6: whether the log is another one's now, or its own epoch is not opened yet. */
  readonly follows: () => boolean;
  /** One step behind the log that is followed. True: another one is due at once. */
  readonly follow: (reading: Reading) => Promise<Result<boolean, L1Error>>;
};

export type CertifiedEnd = {
  /** -1 while nothing is certified. */
  readonly height: number;
  /** Records below it are certified. */
  readonly nextOffset: Offset;
  readonly facts: LogFacts;
};

/** Rollbacks that readers do not know of yet. */
export type OpenRollback = {
  /** Of the oldest one's record. */
  readonly offset: number;
  /** The least that any of them keeps: up to here, nothing changes for a reader. */
  readonly keepThrough: number;
  readonly count: number;
};

/** What matters here of what a commit wrote. */
type Growth = {
  readonly chunks: readonly { readonly header: Pick<ChunkHeader, "eventCount"> }[];
  readonly last: { readonly events: readonly Pick<ChunkEvent, "kind">[] } | null;
};

/** What the feed asks of a committee. */
export type FeedCommittee = {
  /** F3: null when every rollback is certified. */
  readonly openRollback: () => OpenRollback | null;
  /** The newest certificate; null while nothing is certified. */
  readonly newestCertificate: () => CertificateRecord | null;
};

export class CertifiedLog {
  readonly #sql: SqlStorage;
  #end: CertifiedEnd | null = null;
  /** Of the chunks beyond it. */
  #uncertified: number | null = null;
  #rollback: { readonly open: OpenRollback | null } | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The log grew by what one commit wrote. */
  appended({ chunks, last }: Growth): void {
    if (this.#uncertified !== null) {
      for (const { header } of chunks) this.#uncertified += header.eventCount;
    }
    // Of several chunks only the last one's events are seen here.
    const rollsBack = last?.events.some(({ kind }) => kind === "rollback") === true;
    if (rollsBack || chunks.length > 1) this.#rollback = null;
  }

  /** A certificate was stored, or the whole log replaced. */
  moved(): void {
    this.#end = null;
    this.#uncertified = null;
    this.#rollback = null;
  }

  get end(): CertifiedEnd {
    this.#end ??= loadEnd(this.#sql);
    return this.#end;
  }

  get uncertifiedEvents(): number {
    this.#uncertified ??= eventsAbove(this.#sql, this.end.height);
    return this.#uncertified;
  }

  /** C6: nothing is ordered any more until a certificate comes. */
  get isFull(): boolean {
    return this.uncertifiedEvents >= UNCERTIFIED_EVENTS_MAX;
  }

  /** C7: the batch's seal and every chunk before it are certified. */
  isSealCertified(batchIndex: number): boolean {
    return batchIndex <= this.end.facts.sealedThrough;
  }

  /** C7: a successor's flush will know of this wallet nonce. */
  isNonceCertified(walletNonce: number): boolean {
    return walletNonce <= this.end.facts.watermark;
  }

  /** F3: null when every rollback is certified. */
  get openRollback(): OpenRollback | null {
    this.#rollback ??= { open: oldestRollbackFrom(this.#sql, this.end.nextOffset) };
    return this.#rollback.open;
  }
}

function loadEnd(sql: SqlStorage): CertifiedEnd {
  const height = certifiedHeight(sql);
  if (height < 0) return { height, nextOffset: offset(1), facts: NO_FACTS };
  const { nextOffset } = must(chunkHeadAt(sql, height), "F8: what is certified last stays");
  return { height, nextOffset, facts: factsAt(sql, height) };
}
