/**
 * The sockets of a feed's readers: one cursor each, and the bytes that they have not answered (F1, F6).
 *
 * A socket hibernates with its cursor in its attachment, which is written in the turn that sends, so
 * that a wake-up neither repeats nor skips a record. Sends, like replies, leave the object only after
 * the turn's writes are durable. A Worker socket shows no backlog: what counts is the bytes sent
 * since the reader's last message. What a reader is sent, and when, its owner decides. Nothing here awaits.
 */

import type { SubscribeQuery } from "../../core/api/query.ts";
import { Frames, isTooBig } from "./feed-entries.ts";

/** F6: most bytes that a reader may leave unanswered on one socket. */
const SOCKET_BYTES_MAX = 8 * 1024 * 1024;
/** F6: from one catch-up page to the next, unless the reader answers. */
export const PAGE_INTERVAL_MS = 1_000;

/** What a socket needs across hibernation. Versioned, since sockets outlive a deployment. */
export type ReaderState = {
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

/** A certificate as its readers are sent it (C2). */
export type TextCertificate = {
  readonly height: number;
  /** Offsets below it are certified. */
  readonly nextOffset: number;
  readonly text: string;
};

export class Readers {
  readonly #ctx: DurableObjectState;
  readonly #bytesMax: (readers: number) => number;
  readonly #sockets = new Map<WebSocket, ReaderState>();
  #unanswered = 0;

  /** `bytesMax`: most bytes that so many readers together may leave unanswered. */
  constructor(ctx: DurableObjectState, bytesMax: (readers: number) => number) {
    this.#ctx = ctx;
    this.#bytesMax = bytesMax;
    for (const socket of ctx.getWebSockets()) {
      const state = socket.deserializeAttachment() as ReaderState | null;
      if (state?.v === 1) this.#put(socket, state);
      else socket.close(1012, "resume by offset");
    }
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Open sockets; those that come or go while it is walked are met or left out. */
  sockets(): IterableIterator<WebSocket> {
    return this.#sockets.keys();
  }

  get(socket: WebSocket): ReaderState | undefined {
    return this.#sockets.get(socket);
  }

  get isOverBytes(): boolean {
    return this.#isOver(1);
  }

  /** The ends of a new socket; the caller makes a reader of `server`, or closes it. */
  accept(): { readonly client: WebSocket; readonly server: WebSocket } {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    return { client, server };
  }

  add(server: WebSocket, { fromOffset, isBatched, wantsCertificates }: SubscribeQuery): void {
    const certified = wantsCertificates === true ? { certified: -1 } : {};
    const cursor = { cursor: fromOffset, isBatched, unanswered: 0, pagedAtMs: 0 };
    this.store(server, { v: 1, ...cursor, ...certified });
  }

  store(socket: WebSocket, state: ReaderState): void {
    this.#put(socket, state);
    socket.serializeAttachment(state);
  }

  /** Sends `frames` to a reader that has all before them; one that answers nothing is closed (F6). */
  send(socket: WebSocket, state: ReaderState, frames: Frames): void {
    const last = frames.entries.at(-1);
    if (last === undefined) return;
    let bytes = 0;
    for (const frame of frames.of(state.isBatched)) {
      try {
        socket.send(frame);
      } catch {
        // The peer is gone and its close event is on the way: it resumes by offset.
        this.forget(socket);
        return;
      }
      bytes += frame.length;
    }
    const unanswered = state.unanswered + bytes;
    this.store(socket, { ...state, cursor: last.offset, unanswered });
    if (unanswered > SOCKET_BYTES_MAX) this.close(socket, 1013, "slow reader");
  }

  /** C2: the newest certificate, to a reader that asked for them and has all that it covers. */
  sendCertificate(socket: WebSocket, newest: TextCertificate | null): void {
    const state = this.#sockets.get(socket);
    if (state?.certified === undefined || newest === null) return;
    if (newest.height <= state.certified || state.cursor < newest.nextOffset - 1) return;
    const entry = { offset: state.cursor, text: newest.text };
    this.send(socket, { ...state, certified: newest.height }, new Frames([entry]));
  }

  /**
   * Any message answers for what was sent so far; its content is an optional `{"ack": offset}`. False:
   * there is no such reader any more.
   */
  answered(socket: WebSocket, message: string | ArrayBuffer): boolean {
    const state = this.#sockets.get(socket);
    if (state === undefined) return false;
    if (isTooBig(message)) {
      this.close(socket, 1009, "message too big");
      return false;
    }
    this.store(socket, { ...state, unanswered: 0 });
    return true;
  }

  /** F6: when all are above the object's bytes, closes the largest until the rest is within that part of them. */
  limitBytes(part: number = 1): void {
    if (!this.isOverBytes) return;
    while (this.#isOver(part)) {
      const socket = this.#largest();
      if (socket === null) return;
      this.close(socket, 1013, "slow reader");
    }
  }

  close(socket: WebSocket, code: number, reason: string): void {
    this.forget(socket);
    socket.close(code, reason);
  }

  /** Every reader resumes by offset, here or elsewhere. */
  closeAll(): void {
    for (const socket of [...this.#sockets.keys()]) this.close(socket, 1012, "resume by offset");
  }

  forget(socket: WebSocket): void {
    this.#unanswered -= this.#sockets.get(socket)?.unanswered ?? 0;
    this.#sockets.delete(socket);
  }

  #isOver(part: number): boolean {
    return this.#unanswered > part * this.#bytesMax(this.#sockets.size);
  }

  #put(socket: WebSocket, state: ReaderState): void {
    this.#unanswered += state.unanswered - (this.#sockets.get(socket)?.unanswered ?? 0);
    this.#sockets.set(socket, state);
  }

  #largest(): WebSocket | null {
    let found: WebSocket | null = null;
    let most = -1;
    for (const [socket, { unanswered }] of this.#sockets) {
      if (unanswered > most) [found, most] = [socket, unanswered];
    }
    return found;
  }
}

/** Completes a peer's closing of a socket: without an answer the peer waits 10 s, whatever code it sent. */
export function answerClose(socket: WebSocket, code: number, reason: string): void {
  socket.close(isSendable(code) ? code : 1000, reason);
}

/** 1004 is reserved; 1005, 1006 and 1015 stand for "no code" and "lost"; a peer may send any number. */
function isSendable(code: number): boolean {
  return code >= 1000 && code < 5000 && ![1004, 1005, 1006, 1015].includes(code);
}
