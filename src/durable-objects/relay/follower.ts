/**
 * Follows upstream by cursor: pages until it is level, then the socket (X3).
 *
 * Whatever happens to upstream, the next attempt goes on from the window's head, in the window's history:
 * a record is taken once, and none is left out. Each attempt finds anew whom to follow, so that a leader
 * that changed is found. Nothing here throws or rejects.
 *
 * Between a page's or a frame's arrival and its commit nothing waits. What was asked about a head that
 * has moved meanwhile is thrown away and asked again.
 */

import { FEED_LIMIT_MAX } from "../../core/api/query.ts";
import type { Rejection } from "../../core/api/rejection.ts";
import {
  parseFrame,
  type RelayedCertificate,
  type RelayedRecord,
  readRelayed,
} from "../../core/feed/relayed.ts";
import type { Result } from "../../core/types/result.ts";
import type { World } from "../sequencer/runtime.ts";
import { errorName, log } from "../shared/log.ts";
import { within } from "../shared/within.ts";
import type { RelayLimits } from "./limits.ts";
import { ASK_LIMIT_MS, type Ask, type ReadPage } from "./past.ts";
import type { FeedSource } from "./source.ts";
import type { WindowState } from "./storage/window.ts";
import type { Window } from "./window.ts";

export type FollowerParts = Pick<World, "now" | "random" | "later"> & {
  readonly window: Window;
  readonly limits: RelayLimits;
  readonly connect: () => Promise<FeedSource>;
  readonly ask: Ask;
  /** The window's head moved; `isRollback`: and something that was handed out is void. */
  readonly moved: (isRollback: boolean) => void;
  readonly certified: (certificate: RelayedCertificate) => void;
  /** The window's history is not upstream's: nobody can go on with it here. */
  readonly lost: () => void;
};

const RETRY_MS = 100;
const RETRY_MAX_MS = 5_000;
/** Upstream counts what it sent since our last message (F6); it hears of us long before its bound. */
const ACK_BYTES = 64 * 1024;

/** How an attempt ended: `live` if records came over a socket. */
type End = "live" | "refused" | "lost";

export class Follower {
  readonly #parts: FollowerParts;
  #isWanted = false;
  #isRunning = false;
  #isVerified = false;
  #socket: WebSocket | null = null;
  /** Ends the attempt that listens. */
  #over: (() => void) | null = null;
  #heardAtMs = 0;
  #unacked = 0;
  #aheadSinceMs: number | null = null;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /** Whether upstream confirmed the window's history since this object woke. */
  get isVerified(): boolean {
    return this.#isVerified && this.#parts.window.state !== null;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** From now on, until it is stopped. */
  ensure(): void {
    this.#isWanted = true;
    if (!this.#isRunning) void this.#run();
  }

  /** Not now: what comes next is behind by then. */
  stop(): void {
    this.#isWanted = false;
    this.#isVerified = false;
    this.reconnect();
  }

  /** What a page that upstream gave says of its history; begins a window where there is none of it. */
  learn(page: ReadPage): void {
    const { window, limits } = this.#parts;
    this.#isVerified = true;
    const { era, available_from: availableFrom, generation, head } = page;
    const known = window.state;
    if (known?.era === era && head - known.head <= limits.resumeRecords) {
      window.learn(availableFrom, Math.max(generation, known.generation));
      return;
    }
    if (known !== null && known.era !== era) this.#parts.lost();
    const at = Math.max(availableFrom, head - limits.beginRecords);
    window.begin({ era, at, availableFrom, generation });
    this.reconnect();
  }

  /** The socket may be dead without saying so, or another one leads: asks, if it was silent for long. */
  async watch(): Promise<void> {
    const { window, ask, now, limits } = this.#parts;
    const socket = this.#socket;
    const state = window.state;
    if (socket === null || state === null) return;
    if (Math.abs(now() - this.#heardAtMs) < limits.silenceMs) return;
    const page = await ask({ fromOffset: state.head, limit: 1, era: state.era });
    if (page === null || this.#socket !== socket || window.state?.head !== state.head) return;
    const isSilent = page.ok ? page.value.records.length > 0 : page.error.status === 409;
    if (!isSilent) return;
    log("warn", "relay-upstream-silent", { head: state.head });
    this.reconnect();
  }

  /** The socket that there is ends now, whether or not its peer still answers. */
  reconnect(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000, "resume by offset");
    this.#over?.();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let failures = 0;
    while (this.#isWanted) {
      const end = await this.#attempt();
      failures = end === "live" ? 0 : failures + 1;
      if (this.#isWanted && this.#parts.window.state !== null) await this.#pause(failures);
      else break;
    }
    this.#isRunning = false;
  }

  #pause(failures: number): Promise<void> {
    const { later, random } = this.#parts;
    const most = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(failures, 10));
    const delayMs = most * random();
    return new Promise((resolve) => {
      later(resolve, delayMs);
    });
  }

  async #attempt(): Promise<End> {
    try {
      return (await this.#readPages()) ?? (await this.#listen());
    } catch (error) {
      log("warn", "relay-upstream-lost", { error: errorName(error) });
      return "lost";
    }
  }

  /** Null: level. */
  async #readPages(): Promise<End | null> {
    const { window, ask } = this.#parts;
    for (;;) {
      const state = window.state;
      if (state === null || !this.#isWanted) return "lost";
      const { head, era } = state;
      const page = await ask({ fromOffset: head, limit: FEED_LIMIT_MAX, era });
      if (page === null) return "lost";
      // In one turn from here: what is true of this head need not be true of the next one.
      if (window.state?.head !== head || window.state.era !== era) continue;
      if (!page.ok) return this.#refused(page.error);
      this.#aheadSinceMs = null;
      this.learn(page.value);
      // It began anew, nearer to the head.
      if (window.state.head !== head) continue;
      const { records, next_offset: next, head: told } = page.value;
      if (!this.#take(records)) return "lost";
      if (records.length === 0 || next >= told) return null;
    }
  }

  async #listen(): Promise<End> {
    const { window } = this.#parts;
    const state = window.state;
    if (state === null) return "lost";
    const answer = await this.#subscribe(state);
    if (answer === null) return "lost";
    const isSame = window.state?.head === state.head && window.state.era === state.era;
    if (!answer.ok) return isSame ? this.#refused(answer.error) : "live";
    const socket = answer.value;
    socket.accept();
    if (!isSame || !this.#isWanted) {
      socket.close(1000, "resume by offset");
      return "live";
    }
    this.#socket = socket;
    this.#heardAtMs = this.#parts.now();
    this.#unacked = 0;
    return this.#untilClosed(socket);
  }

  /** Null: late. A socket that comes too late is closed, or it would count among upstream's readers. */
  async #subscribe({ head, era }: WindowState): Promise<Result<WebSocket, Rejection> | null> {
    const { connect, later } = this.#parts;
    const query = { fromOffset: head, era, isBatched: true, wantsCertificates: true } as const;
    let isLate = false;
    const ask = async () => {
      const answer = await (await connect()).subscribe(query);
      if (isLate && answer.ok) {
        answer.value.accept();
        answer.value.close(1000, "resume by offset");
      }
      return answer;
    };
    const answer = await within(ask(), ASK_LIMIT_MS, later);
    isLate = answer === null;
    return answer;
  }

  #untilClosed(socket: WebSocket): Promise<End> {
    return new Promise((resolve) => {
      let end: End = "lost";
      const over = () => {
        if (this.#socket === socket) this.#socket = null;
        this.#over = null;
        resolve(end);
      };
      this.#over = over;
      socket.addEventListener("message", ({ data }) => {
        if (this.#socket !== socket) return;
        end = "live";
        if (this.#receive(socket, data)) return;
        end = "lost";
        this.reconnect();
      });
      socket.addEventListener("close", () => {
        over();
        // Without an answer the peer waits 10 s.
        socket.close(1000);
      });
      socket.addEventListener("error", over);
    });
  }

  /** False: upstream does not speak the protocol. */
  #receive(socket: WebSocket, data: unknown): boolean {
    this.#heardAtMs = this.#parts.now();
    const values = typeof data === "string" ? parseFrame(data) : null;
    const read = values?.map(readRelayed) ?? [null];
    const records: RelayedRecord[] = [];
    for (const one of read) {
      if (one === null) return this.#wrong();
      if (one.kind === "certificate") this.#parts.certified(one);
      else records.push(one);
    }
    if (!this.#take(records)) return false;
    this.#acknowledge(socket, typeof data === "string" ? data.length : 0);
    return true;
  }

  #take(records: readonly RelayedRecord[]): boolean {
    if (records.length === 0) return true;
    if (!this.#parts.window.append(records, this.#parts.now())) return this.#wrong();
    this.#parts.moved(records.some(({ rollback }) => rollback !== null));
    return true;
  }

  #wrong(): false {
    log("error", "relay-upstream-wrong", { head: this.#parts.window.state?.head ?? null });
    return false;
  }

  #acknowledge(socket: WebSocket, bytes: number): void {
    this.#unacked += bytes;
    if (this.#unacked < ACK_BYTES) return;
    this.#unacked = 0;
    socket.send(JSON.stringify({ ack: this.#parts.window.state?.head ?? 0 }));
  }

  #refused(refused: Rejection): End {
    if (refused.status !== 409) return "refused";
    const { now, limits, window } = this.#parts;
    if (refused.code === "AHEAD_OF_HEAD") {
      // Another candidate leads and has not opened its epoch yet: what comes then explains our head.
      this.#aheadSinceMs ??= now();
      if (Math.abs(now() - this.#aheadSinceMs) < limits.aheadMs) return "refused";
    }
    log("warn", "relay-history-lost", { code: refused.code, head: window.state?.head ?? null });
    this.#aheadSinceMs = null;
    this.#isVerified = false;
    this.#parts.lost();
    window.drop();
    return "refused";
  }
}
