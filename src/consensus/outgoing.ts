/** What a leader sends of its log: pages with payloads, and where those are gone, the checkpoint after them. */

import type { BroadcastEffect, TailChunk } from "../core/consensus/broadcast-state.ts";
import type { Certificate } from "../core/consensus/certificate.ts";
import type { Page } from "../core/consensus/flow.ts";
import type { ChunkRef, MemberIndex } from "../core/consensus/types.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";
import type { Clock } from "./clock.ts";
import type { SentFeed } from "./messages.ts";
import { type LogEntry, type PayloadStore, pagesOf } from "./payload-store.ts";

/** A certificate costs its receiver a quorum of verifications, and each one covers those before it. */
const CERTIFICATE_GAP_MS = 250;
/** The newest chunks that are held to be sent; fewer where they come to more than `BLOB_BYTES_MAX`. */
const HELD_CHUNKS = 512;

export class Outgoing {
  readonly #store: PayloadStore;
  readonly #clock: Pick<Clock, "nowMs">;
  /** When each member was last told of a certificate together with chunks. */
  readonly #toldMs = new Map<MemberIndex, number>();
  /** The end of the log without a gap, with its payloads. */
  readonly #held: LogEntry[] = [];
  #heldBytes = 0;
  #feed: SentFeed | null = null;
  #last: (Page & { readonly chunks: Promise<SentFeed["chunks"]> }) | null = null;

  constructor(store: PayloadStore, clock: Pick<Clock, "nowMs">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** What a member is sent: the same object to all who are sent the same. */
  async feed(
    { page, target, to, checkpoint: at }: BroadcastEffect & { readonly do: "propose" },
    newest: () => Certificate | null,
  ): Promise<SentFeed> {
    const chunks = await this.#chunks(page);
    const checkpoint = await this.#checkpoint(at);
    const isDue = target === null || this.#isCertificateDue(to);
    const certificate = isDue ? newest() : null;
    const last = this.#feed;
    const isSame =
      last?.chunks === chunks &&
      last.certificate === certificate &&
      last.checkpoint === null &&
      checkpoint === null;
    if (last !== null && isSame) return last;
    this.#feed = { certificate, checkpoint, chunks };
    return this.#feed;
  }

  /** Whoever is asked for acks hears of certificates now and then; a heartbeat always brings the newest. */
  #isCertificateDue(to: MemberIndex): boolean {
    const nowMs = this.#clock.nowMs();
    const toldMs = this.#toldMs.get(to) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - toldMs < CERTIFICATE_GAP_MS) return false;
    this.#toldMs.set(to, nowMs);
    return true;
  }

  /** Those that were announced just now, in order: whoever keeps pace is sent them without a read. */
  hold(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const bytes = entry.bytes?.length ?? Number.POSITIVE_INFINITY;
      this.#held.push(entry);
      this.#heldBytes += bytes;
      while (this.#held.length > HELD_CHUNKS || this.#heldBytes > BLOB_BYTES_MAX) this.#letGo();
    }
  }

  /** Who keeps pace has what is certified: the others are sent what is read. */
  certified(height: number): void {
    while ((this.#held[0]?.ref.height ?? Number.POSITIVE_INFINITY) <= height) this.#letGo();
  }

  #letGo(): void {
    const bytes = this.#held.shift()?.bytes?.length;
    // One without its payload is not held, nor is anything before it.
    this.#heldBytes = this.#held.length === 0 ? 0 : this.#heldBytes - (bytes ?? 0);
  }

  /** Members that keep pace are sent the same page: it is made once. */
  async #chunks({ from, through }: Page): Promise<SentFeed["chunks"]> {
    if (from > through) return NO_CHUNKS;
    if (this.#last?.from !== from || this.#last.through !== through) {
      const held = this.#heldBetween(from, through);
      const entries = held ?? this.#store.page(from, through, BLOB_BYTES_MAX);
      this.#last = { from, through, chunks: Promise.resolve(entries).then(sentChunks) };
    }
    return await this.#last.chunks;
  }

  /** Null unless all of them are. */
  #heldBetween(from: number, through: number): readonly LogEntry[] | null {
    const [first, last] = [this.#held[0], this.#held.at(-1)];
    if (first === undefined || last === undefined) return null;
    const start = from - first.ref.height;
    if (start < 0 || through > last.ref.height) return null;
    return this.#held.slice(start, through - first.ref.height + 1);
  }

  /** Null where there is none, or its own certificate is not kept. */
  async #checkpoint(chunk: ChunkRef | null): Promise<SentFeed["checkpoint"]> {
    if (chunk === null) return null;
    const [entry] = await this.#store.page(chunk.height, chunk.height, 0);
    const certificate = await this.#store.certificateFor(chunk.height);
    if (entry === undefined || certificate?.chunk.hash !== chunk.hash) return null;
    return { signed: entry.signed, certificate };
  }
}

const NO_CHUNKS: SentFeed["chunks"] = [];

export function sentChunks(entries: readonly LogEntry[]): SentFeed["chunks"] {
  return entries.flatMap(({ signed, bytes }) =>
    bytes === null ? [] : [{ signed, payload: bytes }],
  );
}

/** A chunk as whoever feeds it counts it. */
export function tailChunk({ ref, signed }: LogEntry): TailChunk {
  return { ...ref, events: signed.header.eventCount };
}

/** Everything above `height`, as whoever feeds it counts it. */
export async function tailAbove(store: PayloadStore, height: number, newest: number) {
  const tail: TailChunk[] = [];
  for await (const page of pagesOf(store, height + 1, newest)) tail.push(...page.map(tailChunk));
  return tail;
}
