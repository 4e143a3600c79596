/**
 * The calm after the storm: the object must serve again, and settle what it promises then.
 *
 * Nobody restarts anything. A probe op is sent until one is acknowledged and its batch is accepted at
 * safe depth; since batches are accepted in order, everything promised before it is decided by then.
 */

import type { Acknowledged, Clients } from "./clients.ts";
import type { Follower } from "./follower.ts";
import type { SimStorage } from "./storage.ts";
import type { Timeline } from "./timeline.ts";

const STEP_MS = 30_000;

export class Settling {
  readonly #timeline: Timeline;
  readonly #storage: SimStorage;
  readonly #clients: Clients;
  readonly #followers: readonly Follower[];
  readonly #head: () => number;
  #probe: Acknowledged | null = null;
  isDone = false;

  constructor(parts: {
    readonly timeline: Timeline;
    readonly storage: SimStorage;
    readonly clients: Clients;
    readonly followers: readonly Follower[];
    /** The newest offset given. */
    readonly head: () => number;
  }) {
    this.#timeline = parts.timeline;
    this.#storage = parts.storage;
    this.#clients = parts.clients;
    this.#followers = parts.followers;
    this.#head = parts.head;
    parts.timeline.after(STEP_MS, () => this.#step());
  }

  /** How far it came, for a run that does not settle. */
  get state(): string {
    if (this.#probe === null) return "no op is acknowledged after the storm";
    return `the op at offset ${this.#probe.offset} is not settled`;
  }

  async #step(): Promise<void> {
    this.#timeline.after(STEP_MS, () => this.#step());
    if (this.#probe === null || this.#isVoid(this.#probe)) {
      this.#probe = null;
      await this.#clients.probe((acknowledged) => {
        this.#probe = acknowledged;
      });
      return;
    }
    if (!this.#isSettled(this.#probe)) return;
    // Followers read to the end only now, so that what they missed is long.
    for (const follower of this.#followers) await follower.poll();
    const head = this.#head();
    this.isDone = this.#followers.every((follower) => follower.cursor >= head);
  }

  #isSettled({ offset }: Acknowledged): boolean {
    const row = this.#storage.read(
      `SELECT ? <= (SELECT available_from FROM history) OR EXISTS
         (SELECT 1 FROM sequenced_l2_txs s JOIN safe_accepted_batches a
            ON a.batch_index = s.batch_index WHERE s.offset = ?) AS settled`,
      offset,
      offset,
    )[0];
    return row?.["settled"] === 1;
  }

  #isVoid({ offset }: Acknowledged): boolean {
    const row = this.#storage.read(
      `SELECT EXISTS (SELECT 1 FROM rollbacks r JOIN sequenced_l2_txs s
         ON s.rollback_generation = r.generation
       WHERE r.keep_through < ? AND s.offset > ?) AS void`,
      offset,
      offset,
    )[0];
    return row?.["void"] === 1;
  }
}
