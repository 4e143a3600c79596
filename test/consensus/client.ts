/** A client that commits one block after the other through whoever leads, and remembers what it was told. */

import type { Committed } from "../../src/consensus/conductor-types.ts";
import type { ConductorStore } from "../../src/consensus/payload-store.ts";
import type { Random } from "../sim/random.ts";
import { type Block, blockAfter, blockType } from "./block.ts";
import type { World } from "./world.ts";

/** Longer than a commit may take. */
const GIVE_UP_MS = 12_000;

export class Client {
  readonly #world: World;
  readonly #random: Random;
  readonly #meanMs: number;
  readonly promised: { readonly block: Block; readonly committed: Committed }[] = [];
  readonly errors = new Map<string, number>();
  #isStopped = false;
  #text = 0;

  constructor(world: World, random: Random, meanMs: number) {
    this.#world = world;
    this.#random = random;
    this.#meanMs = meanMs;
  }

  start(): void {
    this.#world.timeline.after(this.#random.waitMs(this.#meanMs), () => {
      if (this.#isStopped) return;
      void this.#commit().then(() => this.start());
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #commit(): Promise<void> {
    const leader = this.#world.leader()?.node ?? null;
    if (leader === null) return;
    const latest = await leader.latest({ level: "accepted" });
    this.#text += 1;
    const block = blockAfter(latest?.payload ?? null, `block ${this.#text}`);
    const result = await Promise.race([leader.commit(block), this.#giveUp()]);
    if (result === null) return;
    if (result.ok) this.promised.push({ block, committed: result.value });
    else this.errors.set(result.error.reason, (this.errors.get(result.error.reason) ?? 0) + 1);
  }

  /** A node that crashes does not answer any more. */
  #giveUp(): Promise<null> {
    return new Promise((resolve) => {
      this.#world.timeline.after(GIVE_UP_MS, () => resolve(null));
    });
  }

  /** Heights that were promised and that a log does not keep, by digest: payloads may be pruned. */
  async broken(log: ConductorStore): Promise<readonly number[]> {
    const found = await Promise.all(
      this.promised.map(async ({ block }) => {
        const kept = await log.byPayloadHeight(block.height);
        return kept?.place?.digest === blockType.digest(block) ? [] : [block.height];
      }),
    );
    return found.flat();
  }
}
