/**
 * The feed's sockets: one cursor each, replay first, then live (F1, F4, F6).
 *
 * A socket hibernates with its cursor in its attachment, which is written in the turn that sends, so
 * that a wake-up neither repeats nor skips a record. Sends, like replies, leave the object only after
 * the turn's writes are durable. A Worker socket shows no backlog: what counts is the bytes sent
 * since the reader's last message. Nothing here awaits.
 */

import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { SubscribeQuery } from "../../core/api/query.ts";
import { historyRefusal, type Rejection, subscriberLimit } from "../../core/api/rejection.ts";
import type { FeedPage, FeedQuery } from "../../core/api/sequencer-api.ts";
import { formatEra } from "../../core/chunk/era.ts";
import { decideResume } from "../../core/feed/cursor.ts";
import { type FeedRecord, formatRecord } from "../../core/feed/record.ts";
import {
  CATCH_UP_RECORDS_MAX,
  SOCKET_MESSAGE_BYTES_MAX,
  SUBSCRIBERS_MAX,
} from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { type Offset, offset } from "../../core/types/units.ts";
import type { Runtime } from "./runtime.ts";
import { countRecordsAfter, recordsAfter } from "./storage/egress.ts";
import { feedHead, requireHistory } from "./storage/history.ts";

/** F6: most bytes that a reader may leave unanswered, on one socket and in the whole object. */
const SOCKET_BYTES_MAX = 8 * 1024 * 1024;
const OBJECT_BYTES_MAX = 32 * 1024 * 1024;
/** F6: one catch-up page, per ack or per second. */
const PAGE_BYTES_MAX = 1024 * 1024;
const PAGE_RECORDS_MAX = 4_096;
const PAGE_INTERVAL_MS = 1_000;
/** Rows of one read: what is read beyond the page's bytes is thrown away. */
const READ_RECORDS = 128;
/** `batch=1`: records of one text frame. */
const FRAME_RECORDS_MAX = 256;

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
};

/** A record with its wire text, formatted once for all readers. */
type Entry = { readonly offset: Offset; readonly text: string };

export class Feed {
  readonly #runtime: Runtime;
  readonly #ctx: DurableObjectState;
  readonly #sockets = new Map<WebSocket, Attachment>();
  #head: Offset | null = null;
  #isPumpScheduled = false;

  constructor(runtime: Runtime, ctx: DurableObjectState) {
    this.#runtime = runtime;
    this.#ctx = ctx;
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
    const entries = readPage(sql, offset(query.fromOffset), query.limit);
    return ok({
      era: formatEra(history.era),
      generation: history.generation,
      available_from: history.availableFrom,
      head: feedHead(sql),
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
      this.#store(server, { v: 1, cursor: from, isBatched, unanswered: 0, pagedAtMs: 0 });
      this.#catchUp(server);
      this.#limitObject();
    }
    return ok(new Response(null, { status: 101, webSocket: client }));
  }

  /**
   * Hands records that were just committed to every reader that has all before them. Null: there are
   * too many to be held, and every reader reads them in pages.
   */
  publish(records: readonly FeedRecord[] | null): void {
    if (records === null) {
      this.#head = feedHead(this.#runtime.sql);
      this.pump();
      return;
    }
    const before = this.#headBefore(records);
    const last = records.at(-1);
    if (last === undefined) return;
    this.#head = last.offset;
    if (this.#sockets.size === 0) return;
    let entries: readonly Entry[] | null = null;
    for (const [socket, attachment] of this.#sockets) {
      // A reader that is behind gets these with its next page, from the database.
      if (attachment.cursor < before) continue;
      entries ??= records.map((record) => ({ offset: record.offset, text: formatRecord(record) }));
      this.#send(socket, attachment, entries);
    }
    this.#limitObject();
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

  #refusal(fromOffset: number, era: string | null): Rejection | null {
    const { sql } = this.#runtime;
    const history = requireHistory(sql);
    const head = { head: feedHead(sql), availableFrom: history.availableFrom };
    const resume = decideResume({ fromOffset, era }, { ...head, era: formatEra(history.era) });
    return resume === "resume" ? null : historyRefusal(resume);
  }

  #currentHead(): Offset {
    this.#head ??= feedHead(this.#runtime.sql);
    return this.#head;
  }

  /** The head as readers knew it before `records`. */
  #headBefore(records: readonly FeedRecord[]): number {
    return this.#head ?? (records[0]?.offset ?? 1) - 1;
  }

  #catchUp(socket: WebSocket): void {
    const attachment = this.#sockets.get(socket);
    if (attachment === undefined) return;
    const { sql } = this.#runtime;
    if (attachment.cursor < requireHistory(sql).availableFrom) {
      // F8 deleted what comes next. No later record would explain the hole, so the reader is told.
      this.#close(socket, 1008, "history unavailable");
      return;
    }
    const entries = readPage(sql, offset(attachment.cursor), PAGE_RECORDS_MAX);
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
      // Everything up to the head is void: the reader is level without a record.
      this.#store(socket, { ...attachment, cursor: this.#currentHead() });
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

/** Text is measured as the UTF-8 that was sent, and only encoded when its length does not decide. */
function isTooBig(message: string | ArrayBuffer): boolean {
  if (typeof message !== "string") return message.byteLength > SOCKET_MESSAGE_BYTES_MAX;
  if (message.length > SOCKET_MESSAGE_BYTES_MAX) return true;
  return utf8ToBytes(message).length > SOCKET_MESSAGE_BYTES_MAX;
}

function largest(sockets: ReadonlyMap<WebSocket, Attachment>): [WebSocket, Attachment] {
  return [...sockets].reduce((a, b) => (b[1].unanswered > a[1].unanswered ? b : a));
}

/** Valid records after `from`: at most `limit`, and at most 1 MiB of text but for a first long one. */
function readPage(sql: SqlStorage, from: Offset, limit: number): readonly Entry[] {
  const entries: Entry[] = [];
  let bytes = 0;
  for (let cursor = from; entries.length < limit; ) {
    const step = Math.min(READ_RECORDS, limit - entries.length);
    const records = recordsAfter(sql, cursor, step);
    for (const record of records) {
      const text = formatRecord(record);
      bytes += text.length + 1;
      if (entries.length > 0 && bytes > PAGE_BYTES_MAX) return entries;
      entries.push({ offset: record.offset, text });
      cursor = record.offset;
    }
    if (records.length < step) break;
  }
  return entries;
}

function* batched(entries: readonly Entry[]): Generator<string> {
  for (let i = 0; i < entries.length; i += FRAME_RECORDS_MAX) {
    const part = entries.slice(i, i + FRAME_RECORDS_MAX);
    yield `[${part.map((entry) => entry.text).join(",")}]`;
  }
}
