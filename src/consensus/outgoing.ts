/** What a leader sends of its log: pages with payloads, and where those are gone, the checkpoint after them. */

import type { TailChunk } from "../core/consensus/broadcast-state.ts";
import type { Page } from "../core/consensus/flow.ts";
import type { ChunkRef, MemberIndex } from "../core/consensus/types.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";
import type { Clock } from "./clock.ts";
import type { SentFeed } from "./messages.ts";
import { type LogEntry, type PayloadStore, pagesOf } from "./payload-store.ts";

/** A certificate costs its receiver a quorum of verifications, and each one covers those before it. */
const CERTIFICATE_GAP_MS = 250;

export class Outgoing {
  readonly #store: PayloadStore;
  readonly #clock: Pick<Clock, "nowMs">;
  /** When each member was last told of a certificate together with chunks. */
  readonly #toldMs = new Map<MemberIndex, number>();
  #last: (Page & { readonly chunks: Promise<SentFeed["chunks"]> }) | null = null;

  constructor(store: PayloadStore, clock: Pick<Clock, "nowMs">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Whoever is asked for acks hears of certificates now and then; a heartbeat always brings the newest. */
  isCertificateDue(to: MemberIndex): boolean {
    const nowMs = this.#clock.nowMs();
    const toldMs = this.#toldMs.get(to) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - toldMs < CERTIFICATE_GAP_MS) return false;
    this.#toldMs.set(to, nowMs);
    return true;
  }

  /** Members that keep pace are sent the same page: it is read once. */
  async chunks({ from, through }: Page): Promise<SentFeed["chunks"]> {
    if (from > through) return [];
    if (this.#last?.from !== from || this.#last.through !== through) {
      const chunks = this.#store.page(from, through, BLOB_BYTES_MAX).then(sentChunks);
      this.#last = { from, through, chunks };
    }
    return await this.#last.chunks;
  }

  /** Null where there is none, or its own certificate is not kept. */
  async checkpoint(chunk: ChunkRef | null): Promise<SentFeed["checkpoint"]> {
    if (chunk === null) return null;
    const [entry] = await this.#store.page(chunk.height, chunk.height, 0);
    const certificate = await this.#store.certificateFor(chunk.height);
    if (entry === undefined || certificate?.chunk.hash !== chunk.hash) return null;
    return { signed: entry.signed, certificate };
  }
}

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
