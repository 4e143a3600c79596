/**
 * The feed's sockets: one cursor each, replay first, then live (F1, F4, F6).
 *
 * A socket hibernates with its cursor in its attachment, which is written in the turn that sends, so
 * that a wake-up neither repeats nor skips a record. Sends, like replies, leave the object only after
 * the turn's writes are durable. A Worker socket shows no backlog: what counts is the bytes sent
 * since the reader's last message. Nothing here awaits.
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
import type { FeedCommittee, OpenRollback } from "./certified-log.ts";
import { batched, type Entry, isTooBig, readPage } from "./feed-page.ts";
import type { Runtime } from "./runtime.ts";
import { countRecordsAfter } from "./storage/egress.ts";
import { feedHead, requireHistory } from "./storage/history.ts";

/** F6: most bytes that a reader may leave unanswered, on one socket and in the whole object. */
const SOCKET_BYTES_MAX = 8 * 1024 * 1024;
const OBJECT_BYTES_MAX = 32 * 1024 * 1024;
const PAGE_RECORDS_MAX = 4_096;
const PAGE_INTERVAL_MS = 1_000;

/** What a socket needs across hibernation. Versioned, since sockets outlive a deployment. */
type Attachment = {
  readonly v: 1;
  /** Offset of the last record sent, or the resume offset. */
  readonly cursor: number;
  readonly isBatched: boolean;
  /** Bytes sent since the reader's last message. */
  readonly unanswered: number;
  /** When the last catch-up page was sent. */
  readonly pagedAtMs: number;
  /** Height of the last certificate sent; absent: the reader wants none. */
  readonly certified?: number;
};

export class Feed {
  readonly #runtime: Runtime;
  readonly #ctx: DurableObjectState;
  readonly #committee: FeedCommittee | null;
  readonly #sockets = new Map<WebSocket, Attachment>();
  #head: Offset | null = null;
  #isPumpScheduled = false;

  constructor(runtime: Runtime, ctx: DurableObjectState, committee: FeedCommittee | null = null) {
    this.#runtime = runtime;
    this.#ctx = ctx;
    this.#committee = committee;
    for (const socket of ctx.getWebSockets()) {
      const attachment = socket.deserializeAttachment() as Attachment | null;
      if (attachment?.v === 1) this.#sockets.set(socket, attachment);
      else socket.close(1012, "resume by offset");
    }
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
    if (this.#sockets.size >= SUBSCRIBERS_MAX) return err(subscriberLimit);
    const refusal = this.#refusal(query.fromOffset, query.era);
    if (refusal !== null) return err(refusal);
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    const from = offset(query.fromOffset);
    const behind = countRecordsAfter(this.#runtime.sql, from, CATCH_UP_RECORDS_MAX + 1);
    if (behind > CATCH_UP_RECORDS_MAX) {
      server.close(1008, "catch-up window exceeded");
    } else {
      const { isBatched } = query;
      const certified = query.wantsCertificates === true ? { certified: -1 } : {};
      const cursor = { cursor: from, isBatched, unanswered: 0, pagedAtMs: 0 };
      this.#store(server, { v: 1, ...cursor, ...certified });
      this.#catchUp(server);
      this.#sendCertificate(server);
      this.#limitObject();
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
    let entries: readonly Entry[] | null = null;
    for (const [socket, attachment] of this.#sockets) {
      // A reader that is behind gets these with its next page, from the database; so does one that is
      // ahead, where a log that was forgotten is projected again (C6).
      if (attachment.cursor !== before) continue;
      entries ??= records.map((record) => ({ offset: record.offset, text: formatRecord(record) }));
      this.#send(socket, attachment, entries);
    }
    this.#limitObject();
  }

  /** A certificate was stored: a rollback may take effect by it, and some readers ask for it. */
  certified(): void {
    this.pump();
    for (const socket of [...this.#sockets.keys()]) this.#sendCertificate(socket);
  }

  /** Sends a page to every reader that is behind and was not sent one within the last second. */
  pump(): void {
    const head = this.#currentHead();
    const nowMs = this.#runtime.now();
    let isBehind = false;
    for (const [socket, attachment] of [...this.#sockets]) {
      if (attachment.cursor >= head) continue;
      isBehind = true;
      // A clock that went back must not stop a reader for as long as it is behind.
      if (Math.abs(nowMs - attachment.pagedAtMs) >= PAGE_INTERVAL_MS) this.#catchUp(socket);
    }
    this.#limitObject();
    if (isBehind) this.#schedulePump();
  }

  /** Any message answers for what was sent so far; its content is an optional `{"ack": offset}`. */
  onMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const attachment = this.#sockets.get(socket);
    if (attachment === undefined) return;
    if (isTooBig(message)) {
      this.#close(socket, 1009, "message too big");
      return;
    }
    this.#store(socket, { ...attachment, unanswered: 0 });
    if (attachment.cursor < this.#currentHead()) this.#catchUp(socket);
  }

  onClose(socket: WebSocket): void {
    this.#sockets.delete(socket);
  }

  get subscribers(): number {
    return this.#sockets.size;
  }

  /** C6: another candidate leads, and readers go on with it where they are. */
  end(): void {
    for (const socket of [...this.#sockets.keys()]) this.#close(socket, 1012, "resume by offset");
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
    return readPage(this.#runtime.sql, { from, through }, limit);
  }

  /** C2: the newest certificate, once the reader has all that it covers. */
  #sendCertificate(socket: WebSocket): void {
    const attachment = this.#sockets.get(socket);
    if (attachment?.certified === undefined) return;
    const newest = this.#committee?.newestCertificate() ?? null;
    if (newest === null || newest.certificate.chunk.height <= attachment.certified) return;
    if (attachment.cursor < newest.nextOffset - 1) return;
    const text = formatCertificateRecord(newest);
    const certified = newest.certificate.chunk.height;
    const entry = { offset: offset(attachment.cursor), text };
    this.#send(socket, { ...attachment, certified }, [entry]);
  }

  /** The head as readers knew it before `records`. */
  #headBefore(records: readonly FeedRecord[]): number {
    return this.#head ?? (records[0]?.offset ?? 1) - 1;
  }

  #catchUp(socket: WebSocket): void {
    const attachment = this.#sockets.get(socket);
    if (attachment === undefined) return;
    if (attachment.cursor < requireHistory(this.#runtime.sql).availableFrom) {
      // F8 deleted what comes next. No later record would explain the hole, so the reader is told.
      this.#close(socket, 1008, "history unavailable");
      return;
    }
    const entries = this.#read(offset(attachment.cursor), PAGE_RECORDS_MAX);
    this.#send(socket, { ...attachment, pagedAtMs: this.#runtime.now() }, entries);
    const after = this.#sockets.get(socket);
    if (after !== undefined && after.cursor < this.#currentHead()) this.#schedulePump();
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

  #send(socket: WebSocket, attachment: Attachment, entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined) {
      // Everything up to the head is void: the reader is level without a record. It never goes back.
      const cursor = Math.max(attachment.cursor, this.#currentHead());
      this.#store(socket, { ...attachment, cursor });
      return;
    }
    let bytes = 0;
    for (const frame of attachment.isBatched ? batched(entries) : entries.map((e) => e.text)) {
      try {
        socket.send(frame);
      } catch {
        // The peer is gone and its close event is on the way: it resumes by offset.
        this.#sockets.delete(socket);
        return;
      }
      bytes += frame.length;
    }
    const unanswered = attachment.unanswered + bytes;
    this.#store(socket, { ...attachment, cursor: last.offset, unanswered });
    if (unanswered > SOCKET_BYTES_MAX) this.#close(socket, 1013, "slow reader");
  }

  #limitObject(): void {
    let total = 0;
    for (const { unanswered } of this.#sockets.values()) total += unanswered;
    while (total > OBJECT_BYTES_MAX) {
      const [socket, attachment] = largest(this.#sockets);
      total -= attachment.unanswered;
      this.#close(socket, 1013, "slow reader");
    }
  }

  #store(socket: WebSocket, attachment: Attachment): void {
    this.#sockets.set(socket, attachment);
    socket.serializeAttachment(attachment);
  }

  #close(socket: WebSocket, code: number, reason: string): void {
    this.#sockets.delete(socket);
    socket.close(code, reason);
  }
}

function largest(sockets: ReadonlyMap<WebSocket, Attachment>): [WebSocket, Attachment] {
  return [...sockets].reduce((a, b) => (b[1].unanswered > a[1].unanswered ? b : a));
}
