/**
 * The feed as a relay serves it: the sequencer's routes and refusals, without its caps (X3, F1-F7).
 *
 * What the window tells is answered from it. Everything else is asked upstream, which knows or asks in
 * turn: so no cursor is refused because this relay is behind, or keeps less than there is.
 */

import type { SubscribeQuery } from "../../core/api/query.ts";
import {
  queueFull,
  type Rejection,
  subscriberLimit,
  unavailable,
} from "../../core/api/rejection.ts";
import type { FeedPage, FeedQuery } from "../../core/api/sequencer-api.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import type { World } from "../sequencer/runtime.ts";
import { type Entry, PAGE_BYTES_MAX } from "../shared/feed-entries.ts";
import { Readers } from "../shared/readers.ts";
import { Broadcast } from "./broadcast.ts";
import { Follower } from "./follower.ts";
import type { RelayLimits } from "./limits.ts";
import { type Ask, createAsk, Past, type ReadPage } from "./past.ts";
import type { FeedSource } from "./source.ts";
import type { WindowState } from "./storage/window.ts";
import { Window } from "./window.ts";

export type RelayParts = Pick<World, "now" | "random" | "later"> & {
  readonly ctx: DurableObjectState;
  readonly limits: RelayLimits;
  readonly connect: () => Promise<FeedSource>;
};

export class RelayFeed {
  readonly #parts: RelayParts;
  readonly #window: Window;
  readonly #readers: Readers;
  readonly #ask: Ask;
  readonly #broadcast: Broadcast;
  readonly #follower: Follower;
  /** The question that tells this object, which just woke, what it may serve. */
  #first: Promise<Rejection | null> | null = null;
  /** When the last reader left; null while there is one. */
  #idleSinceMs: number | null = null;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    const { ctx, limits, connect, now, later, random } = parts;
    this.#window = new Window(ctx.storage, limits);
    const { readersBytes, bytesPerReader, readersBytesMax } = limits;
    this.#readers = new Readers(ctx, (count) =>
      Math.min(readersBytesMax, readersBytes + count * bytesPerReader),
    );
    this.#ask = createAsk(connect, later);
    const [window, readers] = [this.#window, this.#readers];
    const past = new Past(this.#ask, now);
    const broadcast = new Broadcast({ now, later, readers, window, past, limits });
    this.#broadcast = broadcast;
    const hooks = {
      moved: (isRollback: boolean) => {
        if (isRollback) past.clear();
        broadcast.due();
      },
      certified: broadcast.certified.bind(broadcast),
      lost: () => {
        broadcast.reset();
        readers.closeAll();
      },
    };
    const ask = this.#ask;
    this.#follower = new Follower({ window, limits, connect, ask, now, later, random, ...hooks });
  }

  get subscribers(): number {
    return this.#readers.size;
  }

  /** After a wake-up: readers that hibernated with it wait for records. */
  resume(): void {
    if (this.#readers.size > 0 && this.#window.state !== null) this.#follower.ensure();
    // Their history was lost with the object that knew it: they ask for theirs anew.
    else if (this.#window.state === null) this.#readers.closeAll();
  }

  /** Refusals come before the upgrade (F5). */
  async subscribe(query: SubscribeQuery): Promise<Result<Response, Rejection>> {
    if (this.#readers.size >= this.#parts.limits.readersMax) return err(subscriberLimit);
    const refused = await this.#admit(query);
    if (refused !== null) return err(refused);
    const { client, server } = this.#readers.accept();
    this.#readers.add(server, query);
    this.#idleSinceMs = null;
    this.#follower.ensure();
    this.#broadcast.serve(server);
    return ok(new Response(null, { status: 101, webSocket: client }));
  }

  /** F7. The last part comes from upstream, so that whoever was told of an op finds it. */
  async page(query: FeedQuery): Promise<Result<FeedPage, Rejection>> {
    const known = this.#window.state;
    if (known === null || !this.#knows(query)) {
      const told = await this.#ask(query);
      if (told === null) return err(queueFull);
      return told.ok ? ok(formatPage(told.value)) : told;
    }
    const entries = this.#window.page(query.fromOffset, query.limit);
    const fromOffset = entries.at(-1)?.offset ?? query.fromOffset;
    const left = query.limit - entries.length;
    if (fromOffset < known.head || left === 0) return ok(pageOf(known, entries, query.fromOffset));
    const rest = await this.#ask({ fromOffset, limit: left, era: known.era });
    if (rest?.ok === false && rest.error.code === "ERA_CHANGED") return rest;
    // Upstream is away, or another one that is not there yet: this is what is known here.
    if (rest?.ok !== true) return ok(pageOf(known, entries, query.fromOffset));
    return ok(joined(entries, rest.value, query.fromOffset));
  }

  onMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (this.#readers.answered(socket, message)) this.#broadcast.serve(socket);
  }

  onClose(socket: WebSocket): void {
    this.#readers.forget(socket);
  }

  /** The alarm's work. Milliseconds until it is due again; null: not before somebody comes. */
  async tick(): Promise<number | null> {
    const { now, limits } = this.#parts;
    const hasMore = this.#window.cut(now());
    this.#rest();
    if (this.#follower.isWanted) {
      await this.#follower.watch();
      this.#broadcast.due();
      return limits.pulseMs;
    }
    if (hasMore) return limits.pulseMs;
    // Nobody reads: the window goes when it is too old.
    return (this.#window.state?.recordCount ?? 0) > 0 ? limits.windowMs : null;
  }

  /** Nobody has read for a while: upstream need not send. */
  #rest(): void {
    const { now, limits } = this.#parts;
    if (this.#readers.size > 0) {
      this.#idleSinceMs = null;
      return;
    }
    this.#idleSinceMs ??= now();
    if (Math.abs(now() - this.#idleSinceMs) >= limits.idleMs) this.#follower.stop();
  }

  /** Thousands may come at once to a relay that woke: one asks for all whom the answer will do for. */
  async #admit(query: SubscribeQuery): Promise<Rejection | null> {
    if (!this.#follower.isVerified) {
      if (this.#first !== null) await this.#first;
      else {
        this.#first = this.#question(query);
        try {
          return await this.#first;
        } finally {
          this.#first = null;
        }
      }
    }
    return this.#knows(query) ? null : this.#question(query);
  }

  async #question({ fromOffset, era }: SubscribeQuery): Promise<Rejection | null> {
    const told = await this.#ask({ fromOffset, era, limit: 1 });
    if (told === null) return unavailable("starting");
    if (!told.ok) return told.error;
    this.#follower.learn(told.value);
    return null;
  }

  /** Whether the window alone can say that a reader may resume there. */
  #knows({ fromOffset, era }: Pick<FeedQuery, "fromOffset" | "era">): boolean {
    const known = this.#window.state;
    if (known === null || !this.#follower.isVerified) return false;
    return (era === null || era === known.era) && isWithin(known, fromOffset);
  }
}

function isWithin({ floor, head }: WindowState, cursor: number): boolean {
  return floor <= cursor && cursor <= head;
}

function pageOf(known: WindowState, entries: readonly Entry[], from: number): FeedPage {
  return {
    era: known.era,
    generation: known.generation,
    available_from: known.availableFrom,
    head: known.head,
    records: entries.map((entry) => entry.text),
    next_offset: entries.at(-1)?.offset ?? from,
  };
}

function formatPage(page: ReadPage): FeedPage {
  return { ...page, records: page.records.map((record) => record.text) };
}

/** `rest` goes on where `entries` end; together they are one page, of at most 1 MiB (F7). */
function joined(entries: readonly Entry[], rest: ReadPage, from: number): FeedPage {
  const all = [...entries];
  let bytes = entries.reduce((sum, entry) => sum + entry.text.length + 1, 0);
  for (const record of rest.records) {
    bytes += record.text.length + 1;
    if (all.length > 0 && bytes > PAGE_BYTES_MAX) break;
    all.push(record);
  }
  return {
    ...rest,
    records: all.map((entry) => entry.text),
    next_offset: all.at(-1)?.offset ?? from,
  };
}
