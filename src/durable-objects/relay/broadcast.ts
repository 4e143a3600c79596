/**
 * Sends a relay's readers what they lack: in passes over all of them, each by its own cursor (X3, F6).
 *
 * A pass walks the readers in slices and lets other events run in between, so that thousands of sends
 * starve nobody. Records that come during a pass go out with the next one, together: a relay that is busy
 * sends fewer, larger frames to those who take arrays, and falls behind nobody. A pass that would leave too
 * many bytes unanswered waits for answers, at most a second; then the largest are closed (F6).
 *
 * A reader is served from memory, from the window, or from upstream, by where its cursor is. From a page of
 * upstream it may get further than the window's head: then it waits until the window passes it. A page is
 * always handed on whole. It goes on from the reader's cursor in upstream's order, and wherever it ends,
 * the window goes on from there: what upstream voided and the window does not know of yet lies beyond the
 * page's end, or the page holds the rollback, which lies beyond the window's head.
 */

import type { World } from "../sequencer/runtime.ts";
import { Frames, PAGE_BYTES_MAX, PAGE_RECORDS_MAX } from "../shared/feed-entries.ts";
import { errorName, log } from "../shared/log.ts";
import { PAGE_INTERVAL_MS, type Readers, type TextCertificate } from "../shared/readers.ts";
import type { RelayLimits } from "./limits.ts";
import type { Past } from "./past.ts";
import type { Window } from "./window.ts";

export type BroadcastParts = Pick<World, "now" | "later"> & {
  readonly readers: Readers;
  readonly window: Window;
  readonly past: Past;
  readonly limits: RelayLimits;
};

/** How long a pass waits for answers before it closes who gave none. */
const ROOM_MS = 1_000;
/** What it leaves open then, or the next record would make everybody wait again. */
const ROOM_PART = 0.75;
/**
 * Between two passes, for each send of the first: about what one takes, so that half of the object's
 * thread is left for everything else, and records that come one by one go out together.
 */
const GAP_MS_PER_SEND = 0.02;
const GAP_MAX_MS = 250;

export class Broadcast {
  readonly #parts: BroadcastParts;
  #certificate: TextCertificate | null = null;
  #isRunning = false;
  #isDue = false;
  #isPumpScheduled = false;
  #roomCame: (() => void) | null = null;
  /** Readers for whom a page of upstream is on the way. */
  readonly #fetching = new Set<WebSocket>();

  constructor(parts: BroadcastParts) {
    this.#parts = parts;
  }

  /** There is something new, or somebody is behind: every reader is looked at once more. */
  due(): void {
    this.#isDue = true;
    if (!this.#isRunning) void this.#run();
  }

  /** C2: only the newest counts. */
  certified(certificate: TextCertificate): void {
    if (certificate.height <= (this.#certificate?.height ?? -1)) return;
    this.#certificate = certificate;
    this.due();
  }

  /** The history is another one's. */
  reset(): void {
    this.#certificate = null;
    this.#parts.past.clear();
  }

  /** A new reader, or one that answered: its next page is due at once. */
  serve(socket: WebSocket): void {
    const { readers } = this.#parts;
    const state = readers.get(socket);
    if (state === undefined) return;
    if (!readers.isOverBytes) this.#roomCame?.();
    if (state.pagedAtMs !== 0) readers.store(socket, { ...state, pagedAtMs: 0 });
    if (readers.isOverBytes) this.due();
    else this.#visit(socket);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#isDue) {
        this.#isDue = false;
        const sends = await this.#pass();
        const gapMs = Math.min(GAP_MAX_MS, Math.floor(sends * GAP_MS_PER_SEND));
        if (gapMs > 0) await this.#sleep(gapMs);
      }
    } catch (error) {
      // A bug, and no reader's fault: they resume by offset when the next pass does no better.
      log("error", "relay-broadcast-failed", { error: errorName(error) });
      this.#schedulePump();
    } finally {
      this.#isRunning = false;
    }
  }

  /** Frames that it sent, about. */
  async #pass(): Promise<number> {
    const { readers, limits } = this.#parts;
    let [sends, yieldAt] = [0, limits.sliceSends];
    for (const socket of readers.sockets()) {
      if (readers.isOverBytes) await this.#room();
      sends += this.#visit(socket);
      if (sends < yieldAt) continue;
      yieldAt = sends + limits.sliceSends;
      await this.#sleep(0);
    }
    return sends;
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.later(resolve, delayMs);
    });
  }

  /** Resolves when readers have answered enough, or were closed. */
  async #room(): Promise<void> {
    const { readers, later } = this.#parts;
    await new Promise<void>((resolve) => {
      const cancel = later(resolve, ROOM_MS);
      this.#roomCame = () => {
        cancel();
        resolve();
      };
    });
    this.#roomCame = null;
    readers.limitBytes(ROOM_PART);
  }

  /** Frames that it sent, about. */
  #visit(socket: WebSocket): number {
    const { readers, window } = this.#parts;
    const state = readers.get(socket);
    const known = window.state;
    if (state === undefined) return 0;
    let sends = 0;
    if (known !== null && state.cursor < known.head) {
      const frames = window.recentAfter(state.cursor);
      if (frames !== null) {
        readers.send(socket, state, frames);
        sends = state.isBatched ? 1 : frames.entries.length;
      } else if (Math.abs(this.#parts.now() - state.pagedAtMs) < PAGE_INTERVAL_MS) {
        this.#schedulePump();
      } else if (state.cursor >= known.floor) {
        sends = this.#sendPage(socket);
      } else {
        void this.#sendPast(socket, known.era);
      }
    }
    readers.sendCertificate(socket, this.#certificate);
    return sends;
  }

  #sendPage(socket: WebSocket): number {
    const { readers, window, now } = this.#parts;
    const state = readers.get(socket);
    if (state === undefined) return 0;
    const frames = new Frames(window.page(state.cursor, PAGE_RECORDS_MAX));
    readers.send(socket, { ...state, pagedAtMs: now() }, frames);
    this.#schedulePump();
    return state.isBatched ? 1 : frames.entries.length;
  }

  /** As many pages of upstream as make one of ours; while one is on the way the next is asked for. */
  async #sendPast(socket: WebSocket, era: string): Promise<void> {
    const { readers, window, now } = this.#parts;
    const state = readers.get(socket);
    if (state === undefined || this.#fetching.has(socket)) return;
    this.#fetching.add(socket);
    // From the beginning, so that one for whom there is nothing yet is asked about once a second.
    readers.store(socket, { ...state, pagedAtMs: now() });
    try {
      for (let bytes = 0; bytes < PAGE_BYTES_MAX; ) {
        const sent = await this.#sendPastPage(socket, era);
        if (sent === 0) break;
        bytes += sent;
      }
    } finally {
      this.#fetching.delete(socket);
      this.#schedulePump();
    }
    // It reached the window: what is in memory is no page.
    if ((readers.get(socket)?.cursor ?? 0) >= (window.state?.floor ?? 0)) this.#visit(socket);
  }

  /** Bytes that it sent; 0: there is nothing to send now. */
  async #sendPastPage(socket: WebSocket, era: string): Promise<number> {
    const { readers, window, past } = this.#parts;
    const cursor = readers.get(socket)?.cursor ?? 0;
    if (cursor >= (window.state?.floor ?? 0)) return 0;
    const page = await past.page(cursor, era);
    const state = readers.get(socket);
    // The reader is gone, or was served otherwise meanwhile; or its history is.
    if (state?.cursor !== cursor || window.state?.era !== era) return 0;
    if (page?.ok === false && page.error.code === "HISTORY_UNAVAILABLE") {
      readers.close(socket, 1008, "history unavailable");
      return 0;
    }
    // Nothing yet: a rollback waits for its certificate, or upstream is another one now (F3, C6).
    if (page?.ok !== true || page.value.records.length === 0) return 0;
    const frames = new Frames(page.value.records);
    readers.send(socket, state, frames);
    const next = page.value.next_offset;
    if (next < (window.state?.floor ?? 0)) void past.page(next, era);
    return frames.entries.reduce((sum, entry) => sum + entry.text.length, 0);
  }

  /** A timer serves until the object sleeps; after that its alarm does. */
  #schedulePump(): void {
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    this.#parts.later(() => {
      this.#isPumpScheduled = false;
      this.due();
    }, PAGE_INTERVAL_MS);
  }
}
