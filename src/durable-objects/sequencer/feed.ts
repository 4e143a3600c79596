/**
 * The feed's sockets: one cursor each, replay first, then live (F1, F4, F6).
 *
 * What a reader is sent and when; how, and what it may leave unanswered, is in `shared/readers.ts`.
 * Nothing here awaits.
 *
 * Under a committee a rollback takes effect for readers when it is certified (F3): until then nobody is
 * sent anything beyond what it keeps, for what lies there is neither void nor valid for a reader yet. A
 * reader that has more of it waits where it is, and gets the rollback in its place.
 */

import type { SubscribeQuery } from "../../core/api/query.ts";
import { historyRefusal, type Rejection, subscriberLimit } from "../../core/api/rejection.ts";
import type { FeedPage, FeedQuery } from "../../core/api/sequencer-api.ts";
import { formatEra } from "../../core/chunk/era.ts";
import { formatCertificateRecord } from "../../core/feed/certificate-record.ts";
import { decideResume } from "../../core/feed/cursor.ts";
import { type FeedRecord, formatRecord } from "../../core/feed/record.ts";
import { CATCH_UP_RECORDS_MAX, SUBSCRIBERS_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { type Offset, offset } from "../../core/types/units.ts";
import { type Entry, Frames, PAGE_RECORDS_MAX, readPage } from "../shared/feed-entries.ts";
import {
  PAGE_INTERVAL_MS,
  type ReaderState,
  Readers,
  type TextCertificate,
} from "../shared/readers.ts";
import type { FeedCommittee, OpenRollback } from "./certified-log.ts";
import type { Runtime } from "./runtime.ts";
import { countRecordsAfter, recordsAfter } from "./storage/egress.ts";
import { feedHead, requireHistory } from "./storage/history.ts";

/** F6: most bytes that the readers of the object may leave unanswered together. */
const OBJECT_BYTES_MAX = 32 * 1024 * 1024;

export class Feed {
  readonly #runtime: Runtime;
  readonly #committee: FeedCommittee | null;
  readonly #readers: Readers;
  #head: Offset | null = null;
  #isPumpScheduled = false;

  constructor(runtime: Runtime, ctx: DurableObjectState, committee: FeedCommittee | null = null) {
    this.#runtime = runtime;
    this.#committee = committee;
    this.#readers = new Readers(ctx, () => OBJECT_BYTES_MAX);
  }

  /** F7. Refusals as F5. */
  page(query: FeedQuery): Result<FeedPage, Rejection> {
    const refusal = this.#refusal(query.fromOffset, query.era);
    if (refusal !== null) return err(refusal);
    const { sql } = this.#runtime;
    const history = requireHistory(sql);
    const entries = this.#read(offset(query.fromOffset), query.limit);
    return ok({
      era: formatEra(history.era),
      generation: history.generation - (this.#openRollback()?.count ?? 0),
      available_from: history.availableFrom,
      head: this.#toldHead(),
      records: entries.map((entry) => entry.text),
      next_offset: entries.at(-1)?.offset ?? query.fromOffset,
    });
  }

  /** Upgrades a request that the Worker parsed; refusals come before the upgrade (F4, F5). */
  subscribe(query: SubscribeQuery): Result<Response, Rejection> {
    if (this.#readers.size >= SUBSCRIBERS_MAX) return err(subscriberLimit);
    const refusal = this.#refusal(query.fromOffset, query.era);
    if (refusal !== null) return err(refusal);
    const { client, server } = this.#readers.accept();
    const from = offset(query.fromOffset);
    const behind = countRecordsAfter(this.#runtime.sql, from, CATCH_UP_RECORDS_MAX + 1);
    if (behind > CATCH_UP_RECORDS_MAX) {
      server.close(1008, "catch-up window exceeded");
    } else {
      this.#readers.add(server, query);
      this.#catchUp(server);
      this.#readers.sendCertificate(server, this.#newestCertificate());
      this.#readers.limitBytes();
    }
    return ok(new Response(null, { status: 101, webSocket: client }));
  }

  /**
   * Hands records that were just committed to every reader that has all before them. Null: there are
   * too many to be held, and every reader reads them in pages.
   */
  publish(records: readonly FeedRecord[] | null): void {
    if (records === null || this.#openRollback() !== null) {
      // Too many to be held, or nothing that anybody may be told now: readers get it with their pages.
      this.#head = null;
      this.pump();
      return;
    }
    const before = this.#headBefore(records);
    const last = records.at(-1);
    if (last === undefined) return;
    this.#head = last.offset;
    let frames: Frames | null = null;
    for (const socket of this.#readers.sockets()) {
      const state = this.#readers.get(socket);
      // A reader that is behind gets these with its next page, from the database; so does one that is
      // ahead, where a log that was forgotten is projected again (C6).
      if (state?.cursor !== before) continue;
      frames ??= new Frames(records.map(toEntry));
      this.#readers.send(socket, state, frames);
    }
    this.#readers.limitBytes();
  }

  /** A certificate was stored: a rollback may take effect by it, and some readers ask for it. */
  certified(): void {
    this.pump();
    const newest = this.#newestCertificate();
    for (const socket of this.#readers.sockets()) this.#readers.sendCertificate(socket, newest);
  }

  /** Sends a page to every reader that is behind and was not sent one within the last second. */
  pump(): void {
    const head = this.#currentHead();
    const nowMs = this.#runtime.now();
    let isBehind = false;
    for (const socket of this.#readers.sockets()) {
      const state = this.#readers.get(socket);
      if (state === undefined || state.cursor >= head) continue;
      isBehind = true;
      // A clock that went back must not stop a reader for as long as it is behind.
      if (Math.abs(nowMs - state.pagedAtMs) >= PAGE_INTERVAL_MS) this.#catchUp(socket);
    }
    this.#readers.limitBytes();
    if (isBehind) this.#schedulePump();
  }

  /** Any message answers for what was sent so far; its content is an optional `{"ack": offset}`. */
  onMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (!this.#readers.answered(socket, message)) return;
    const cursor = this.#readers.get(socket)?.cursor ?? 0;
    if (cursor < this.#currentHead()) this.#catchUp(socket);
  }

  onClose(socket: WebSocket): void {
    this.#readers.forget(socket);
  }

  get subscribers(): number {
    return this.#readers.size;
  }

  /** C6: another candidate leads, and readers go on with it where they are. */
  end(): void {
    this.#readers.closeAll();
  }

  #refusal(fromOffset: number, era: string | null): Rejection | null {
    const { sql } = this.#runtime;
    const { availableFrom, era: own } = requireHistory(sql);
    const head = { head: this.#toldHead(), availableFrom, era: formatEra(own) };
    const resume = decideResume({ fromOffset, era }, head);
    return resume === "resume" ? null : historyRefusal(resume);
  }

  /** As far as readers are sent anything now. */
  #currentHead(): Offset {
    const rollback = this.#openRollback();
    if (rollback !== null) return offset(rollback.keepThrough);
    this.#head ??= feedHead(this.#runtime.sql);
    return this.#head;
  }

  /** The greatest offset that a reader can have been told. */
  #toldHead(): Offset {
    const rollback = this.#openRollback();
    return rollback === null ? feedHead(this.#runtime.sql) : offset(rollback.offset - 1);
  }

  readonly #openRollback = (): OpenRollback | null => this.#committee?.openRollback() ?? null;

  #read(from: Offset, limit: number): readonly Entry[] {
    const rollback = this.#openRollback();
    const through = rollback === null ? Number.MAX_SAFE_INTEGER : rollback.keepThrough;
    const { sql } = this.#runtime;
    const read = (cursor: number, count: number) =>
      recordsAfter(sql, offset(cursor), count).map(toEntry);
    return readPage(read, { from, through }, limit);
  }

  #newestCertificate(): TextCertificate | null {
    const newest = this.#committee?.newestCertificate() ?? null;
    if (newest === null) return null;
    const { nextOffset, certificate } = newest;
    const { height } = certificate.chunk;
    return { height, nextOffset, text: formatCertificateRecord(newest) };
  }

  /** The head as readers knew it before `records`. */
  #headBefore(records: readonly FeedRecord[]): number {
    return this.#head ?? (records[0]?.offset ?? 1) - 1;
  }

  #catchUp(socket: WebSocket): void {
    const state = this.#readers.get(socket);
    if (state === undefined) return;
    if (state.cursor < requireHistory(this.#runtime.sql).availableFrom) {
      // F8 deleted what comes next. No later record would explain the hole, so the reader is told.
      this.#readers.close(socket, 1008, "history unavailable");
      return;
    }
    const entries = this.#read(offset(state.cursor), PAGE_RECORDS_MAX);
    const paged = { ...state, pagedAtMs: this.#runtime.now() };
    if (entries.length === 0) this.#level(socket, paged);
    else this.#readers.send(socket, paged, new Frames(entries));
    const after = this.#readers.get(socket);
    if (after !== undefined && after.cursor < this.#currentHead()) this.#schedulePump();
  }

  /** Everything up to the head is void: the reader is level without a record. It never goes back. */
  #level(socket: WebSocket, state: ReaderState): void {
    const cursor = Math.max(state.cursor, this.#currentHead());
    this.#readers.store(socket, { ...state, cursor });
  }

  /** A timer serves until the object sleeps; after that the alarm's tick pumps. */
  #schedulePump(): void {
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    this.#runtime.later(() => {
      this.#isPumpScheduled = false;
      this.pump();
    }, PAGE_INTERVAL_MS);
  }
}

function toEntry(record: FeedRecord): Entry {
  return { offset: record.offset, text: formatRecord(record) };
}
