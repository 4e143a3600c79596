/**
 * Keeps the overview up to date: an answer each second, and the feed as it comes.
 *
 * Nothing is asked while the page is not seen: neither a question a second nor a place among the feed's
 * readers is spent on it.
 */

import type { OverviewBody } from "../../../core/api/overview.ts";
import type { Client } from "../../../sdk/client-types.ts";
import { addRecord, FEED_ROWS_MAX, firstModel, type Model } from "../model.ts";
import { idOf, PARTS, type PartName } from "../parts.ts";
import { addSample, sampleOf } from "../samples.ts";
import { paint } from "./elements.ts";

const ASK_EVERY_MS = 1_000;
const FEED_PARTS: readonly PartName[] = ["feed-state", "feed"];
const OTHER_PARTS = Object.keys(PARTS).filter(isOtherPart);
/** Records come faster than eyes: they are painted together. */
const PAINT_FEED_EVERY_MS = 150;
const FEED_AGAIN_MS = 2_000;
const HEAD_EVERY_MS = 50;

function isOtherPart(name: string): name is PartName {
  return !FEED_PARTS.some((part) => part === name);
}

/** `told` gets each answer, for views that show the same numbers. */
export class OverviewFollower {
  readonly #client: Client;
  readonly #told: (overview: OverviewBody) => void;
  #model: Model = firstModel(null, null);
  /** Of the feed, by the newest answer; null until there is one to begin from. */
  #head: number | null = null;
  #running: AbortController | null = null;
  #feedPaint: ReturnType<typeof setTimeout> | null = null;

  constructor(client: Client, told: (overview: OverviewBody) => void) {
    this.#client = client;
    this.#told = told;
  }

  start(): void {
    document.addEventListener("visibilitychange", () => this.#onVisibility());
    this.#onVisibility();
  }

  #onVisibility(): void {
    if (document.hidden) {
      this.#running?.abort();
      this.#running = null;
    } else if (this.#running === null) {
      this.#running = new AbortController();
      this.#head = null;
      void this.#ask(this.#running.signal);
      void this.#followFeed(this.#running.signal);
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now();
      try {
        const overview = await this.#client.overview({ signal });
        const samples = addSample(this.#model.samples, sampleOf(overview));
        this.#model = { ...this.#model, overview, samples, problem: null };
        this.#head = overview.health.feed_head ?? 0;
        this.#told(overview);
      } catch (error) {
        if (signal.aborted) return;
        this.#model = { ...this.#model, problem: messageOf(error) };
      }
      for (const part of OTHER_PARTS) this.#paint(part);
      this.#paint("feed-state");
      await pause(Math.max(0, ASK_EVERY_MS - (performance.now() - began)), signal);
    }
  }

  /** From a page's length before the head on; again from there when history itself has changed. */
  async #followFeed(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#setFeed({ rows: [], isFollowed: true });
      try {
        const fromOffset = Math.max(0, (await this.#newestHead(signal)) - FEED_ROWS_MAX);
        for await (const event of this.#client.follow({ fromOffset, signal })) {
          if (event.kind === "certificate") continue;
          const rows = addRecord(this.#model.feed.rows, event);
          this.#setFeed({ rows, isFollowed: true });
        }
      } catch {
        // A history that ended, or a sequencer that does not answer: the headline says so.
        await pause(FEED_AGAIN_MS, signal);
        this.#head = null;
      }
    }
  }

  async #newestHead(signal: AbortSignal): Promise<number> {
    while (this.#head === null) {
      await pause(HEAD_EVERY_MS, signal);
      signal.throwIfAborted();
    }
    return this.#head;
  }

  #setFeed(feed: Model["feed"]): void {
    this.#model = { ...this.#model, feed };
    if (this.#feedPaint !== null) return;
    this.#feedPaint = setTimeout(() => {
      this.#feedPaint = null;
      for (const part of FEED_PARTS) this.#paint(part);
    }, PAINT_FEED_EVERY_MS);
  }

  #paint(part: PartName): void {
    paint(idOf(part), PARTS[part](this.#model));
  }
}

/** Ends early with the signal. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

/** What a person is told of a failed request. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "it failed";
}
