/** A candidate's log read as payloads: numbered without gaps, linked where they name their parent. */

import type { Hash32 } from "../core/types/hex.ts";
import type { ConductorOptions, Latest, Level } from "./conductor-types.ts";
import type { CommitError } from "./errors.ts";
import { decodeEntry } from "./payload.ts";
import type { LogEntry, Place } from "./payload-store.ts";

type ViewOptions<P> = Pick<ConductorOptions<P>, "type" | "store" | "genesis">;

export class LogView<P> {
  readonly #options: ViewOptions<P>;

  constructor(options: ViewOptions<P>) {
    this.#options = options;
  }

  async latest(level: Level): Promise<Latest<P> | null> {
    const { store } = this.#options;
    const { newest, certified } = await store.ends();
    return this.#read(await store.latest(level === "accepted" ? newest.height : certified.height));
  }

  async byHeight(height: number): Promise<Latest<P> | null> {
    return this.#read(await this.#options.store.byPayloadHeight(height));
  }

  async byDigest(digest: Hash32): Promise<Latest<P> | null> {
    return this.#read(await this.#options.store.byDigest(digest));
  }

  /** Why `payload` cannot be the next one; null when it can. */
  async problem(payload: P): Promise<CommitError | null> {
    const { type, store, genesis } = this.#options;
    const { newest } = await store.ends();
    const before = (await store.latest(newest.height))?.place ?? genesis;
    const expected = before === null ? 0 : before.height + 1;
    const got = type.height(payload);
    if (got !== expected) return { reason: "height", expected, got };
    const parent = type.parent(payload);
    const isLinked = parent === null || parent === (before?.digest ?? null);
    return isLinked ? null : { reason: "parent" };
  }

  place(payload: P): Place {
    const { type } = this.#options;
    return { height: type.height(payload), digest: type.digest(payload) };
  }

  /** Where the payload of a chunk stands; null for an opening. */
  readonly placeOf = (bytes: Uint8Array): Place | null => {
    const payload = this.#decode(bytes);
    return payload === null ? null : this.place(payload);
  };

  #decode(bytes: Uint8Array): P | null {
    const entry = decodeEntry(bytes);
    return entry?.is === "payload" ? this.#options.type.decode(entry.bytes) : null;
  }

  /** Null also where the payload was pruned. */
  #read(entry: LogEntry | null): Latest<P> | null {
    if (entry === null || entry.bytes === null) return null;
    const payload = this.#decode(entry.bytes);
    return payload === null ? null : { payload, chunk: entry.ref };
  }
}
