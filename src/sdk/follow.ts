/**
 * The feed as one endless sequence: pages as long as the reader is far behind, then a socket, and both
 * again after whatever happens to either (F1, F4 to F7).
 *
 * There is one cursor, the last record that was handed out, and everything starts from it: so there is
 * neither a gap nor a repeat, whichever socket a record came from. The page that is read before each
 * socket says in words what a browser's socket cannot say, since an upgrade that is refused shows no
 * status; and where no socket opens at all, pages alone carry the feed. Nothing is read ahead of the
 * reader but a page, or the bounded queue of `live-feed.ts`.
 */

import type { FeedEvent, FeedSlice, FollowOptions } from "./client-types.ts";
import { BatonError } from "./errors.ts";
import { sliceOf, slicePath } from "./feed-slice.ts";
import type { Http } from "./http.ts";
import { LiveFeed } from "./live-feed.ts";
import { isTransient, pauseAfter, sleep } from "./retry.ts";

/** F7: most records of one page, and how far behind the head a socket is opened. */
const PAGE_RECORDS = 1_000;
/** A socket that was silent for so long may be dead without knowing: the feed is asked. */
const IDLE_MS = 60_000;
/** What may pass by itself, as a relay that is behind, or a middlebox that mangles a frame. */
const DOUBTFUL_MAX = 5;
const DOUBTFUL: readonly string[] = ["AHEAD_OF_HEAD", "BAD_ANSWER"];

/**
 * Throws `BatonError` for what cannot pass by itself, and the signal's reason. Ends never. `first` is a
 * page behind `fromOffset` that was read already.
 */
export async function* follow(
  http: Http,
  options: FollowOptions,
  first: FeedSlice | null = null,
): AsyncGenerator<FeedEvent, never> {
  const reader = new Reader(http, options, first);
  for (;;) {
    try {
      yield* reader.pages();
      yield* reader.live();
      await reader.pause(null);
    } catch (error) {
      if (!reader.mayPass(error)) throw error;
      await reader.pause(error);
    }
  }
}

class Reader {
  readonly #http: Http;
  readonly #options: FollowOptions;
  #cursor: number;
  #era: string | undefined;
  /** Since the last record. */
  #failures = 0;
  #first: FeedSlice | null;

  constructor(http: Http, options: FollowOptions, first: FeedSlice | null) {
    this.#http = http;
    this.#options = options;
    this.#cursor = options.fromOffset ?? 0;
    this.#era = options.era;
    this.#first = first;
  }

  /** Up to where a socket takes over. */
  async *pages(): AsyncGenerator<FeedEvent, void> {
    for (;;) {
      const slice = this.#first ?? (await this.#read(PAGE_RECORDS));
      this.#first = null;
      // From now on the sequencer itself refuses to go on with another history (F5).
      this.#era = slice.era;
      for (const record of slice.records) {
        this.#cursor = record.offset;
        this.#failures = 0;
        yield record;
      }
      const isNear = slice.head - this.#cursor < PAGE_RECORDS;
      if (isNear || slice.records.length === 0) return;
    }
  }

  async *live(): AsyncGenerator<FeedEvent, void> {
    const socket = new LiveFeed(this.#http.network, this.#socketUrl());
    try {
      for (;;) {
        const event = await socket.next(IDLE_MS, this.#options.signal);
        if (event === undefined) return;
        if (event === null) {
          if (await this.#isBehind()) return;
        } else if (this.#isNew(event)) {
          yield event;
        }
      }
    } finally {
      socket.close();
    }
  }

  /** Whether waiting may help against what went wrong. */
  mayPass(error: unknown): boolean {
    if (isTransient(error)) return true;
    const isDoubtful = error instanceof BatonError && DOUBTFUL.includes(error.code);
    return isDoubtful && this.#failures < DOUBTFUL_MAX;
  }

  /** After a failure, or null for a socket that was closed. Throws the signal's reason. */
  async pause(error: unknown): Promise<void> {
    this.#failures += 1;
    const retryAfterS = error instanceof BatonError ? error.retryAfterS : null;
    await sleep(pauseAfter(this.#failures, retryAfterS), this.#options.signal);
  }

  /** Whether the reader has not had it; then it has now. */
  #isNew(event: FeedEvent): boolean {
    if (event.kind === "certificate") return true;
    if (event.offset <= this.#cursor) return false;
    this.#cursor = event.offset;
    this.#failures = 0;
    return true;
  }

  async #isBehind(): Promise<boolean> {
    return (await this.#read(1)).records.length > 0;
  }

  async #read(limit: number) {
    const { signal } = this.#options;
    const at = { fromOffset: this.#cursor, limit, ...this.#eraClaim() };
    return sliceOf(await this.#http.jsonOnce(slicePath(at), { signal }), this.#cursor);
  }

  #eraClaim(): { readonly era?: string } {
    return this.#era === undefined ? {} : { era: this.#era };
  }

  #socketUrl(): string {
    const { batch = true, certificates = false } = this.#options;
    const query = new URLSearchParams({ from_offset: String(this.#cursor), ...this.#eraClaim() });
    if (batch) query.set("batch", "1");
    if (certificates) query.set("certificates", "1");
    return `${this.#http.url.replace(/^http/, "ws")}/ws/subscribe?${query.toString()}`;
  }
}
