/**
 * Giving the lead away by order, with nothing left behind (C6, C8).
 *
 * From the turn in which it begins nothing is ordered here. A certificate of what was ordered comes in a
 * round or two, unless no quorum answers; the successor then inherits all of it, no promise of tier
 * `ordered` is broken, and there is nothing that this candidate must forget before it can follow.
 */

import type { Candidate } from "../../consensus/candidate.ts";
import type { TransferError } from "../../consensus/errors.ts";
import type { KnownRecord } from "../../core/consensus/epoch-record.ts";
import { err, type Result } from "../../core/types/result.ts";
import type { Runtime } from "./runtime.ts";

/** What is ordered is certified so soon, or the transfer does not wait for it. */
const LEVEL_MS = 1_000;
/** A committee that elects nobody for so long gets its leader back. */
const YIELD_MS = 5_000;

export class Yielding {
  readonly #later: Runtime["later"];
  readonly #changed: () => void;
  #isUnderWay = false;
  #isBusy = false;
  #levelled: (() => void) | null = null;

  constructor(later: Runtime["later"], changed: () => void) {
    this.#later = later;
    this.#changed = changed;
  }

  /** Whether nothing more is ordered. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Nothing waits for a certificate. */
  levelled(): void {
    this.#levelled?.();
  }

  /** Resolves when another epoch has begun, or it was given up. `isLevel`: whether nothing waits now. */
  async to(
    id: string | null,
    candidate: Candidate,
    isLevel: () => Promise<boolean>,
  ): Promise<Result<KnownRecord, TransferError>> {
    if (this.#isBusy) return err({ reason: "in-progress" });
    this.#isBusy = true;
    this.#isUnderWay = candidate.isServing;
    this.#changed();
    const cancel = this.#later(() => this.#end(), YIELD_MS);
    try {
      if (this.#isUnderWay) await this.#level(isLevel);
      return await candidate.transfer(id);
    } finally {
      cancel();
      this.#isBusy = false;
      this.#end();
    }
  }

  #end(): void {
    this.#isUnderWay = false;
    this.#changed();
  }

  async #level(isLevel: () => Promise<boolean>): Promise<void> {
    const levelled = new Promise<void>((resolve) => {
      const cancel = this.#later(resolve, LEVEL_MS);
      this.#levelled = () => {
        cancel();
        resolve();
      };
    });
    if (await isLevel()) this.levelled();
    await levelled;
    this.#levelled = null;
  }
}
