/**
 * The inclusion lane: the only writer of the promised order.
 *
 * Every commit is one transaction and one flush to disk: a group of ops (`intake.ts`), frames and seals, a
 * watermark, a rollback. Nothing here awaits, so no other event runs between a decision and its rows, and
 * there is no lock. The platform holds every reply and every socket message until the transaction is
 * durable. Under a committee the next one may be committed before the chunk of this one is signed.
 */

import type { SignedUserOp } from "../../core/api/sequencer-api.ts";
import type { FeedRecord } from "../../core/feed/record.ts";
import {
  type CloseLimits,
  decideClose,
  isFrameDue,
  nextCloseAtMs,
} from "../../core/lane/decide.ts";
import { assert, must } from "../../core/types/assert.ts";
import type { BlockNumber, UnixMs } from "../../core/types/units.ts";
import { errorName, log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import type { Written } from "./chunk-writer.ts";
import { Draft } from "./draft.ts";
import { type Committed, Intake, type IntakeHooks } from "./intake.ts";
import type { Memory, MemoryStore } from "./memory.ts";
import { genesisOrigin, type Origin, writeOrigin } from "./origin.ts";
import type { Outcome, Promised } from "./promise.ts";
import type { Runtime } from "./runtime.ts";
import { divergedAtNonce } from "./storage/acceptance.ts";
import { isBaseReached } from "./storage/history.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { raiseWatermark } from "./storage/submission.ts";

/** What a transaction that begins anew leaves for readers and in memory. */
export type Renewal = {
  /** Null: too many to be held. */
  readonly records: readonly FeedRecord[] | null;
  readonly written: Written;
  readonly next: Memory;
  /** Direct inputs that were drained. */
  readonly directs: number;
  /** Null: it is no rollback. */
  readonly voidedOps: number | null;
};

/** Of a renewal that repeats what another leader ordered: it was counted there. */
export const ORDERED_ELSEWHERE = { directs: 0, voidedOps: null } as const;

export type LaneHooks = IntakeHooks & {
  readonly publish: (records: readonly FeedRecord[] | null) => void;
};

export class Lane {
  readonly #runtime: Runtime;
  readonly #memory: MemoryStore;
  readonly #hooks: LaneHooks;
  readonly #intake: Intake;

  constructor(runtime: Runtime, memory: MemoryStore, hooks: LaneHooks) {
    this.#runtime = runtime;
    this.#memory = memory;
    this.#hooks = hooks;
    this.#intake = new Intake(runtime, hooks, (work) => this.#commit(work));
  }

  get isQueueFull(): boolean {
    return this.#intake.isFull;
  }

  /** Resolves when the op's chunk is appended, or at once when the queue is full (I5). */
  submit(op: SignedUserOp): Promise<Outcome> {
    return this.#intake.submit(op);
  }

  /**
   * Opens a frame at the stored safe head and closes the batch, where due. Idempotent: asked twice,
   * the second time finds nothing due. Frozen by divergence (N15), until the reader has reached the
   * base of a rebuild (R5), and where a committee does not let this object order (C6).
   */
  advance(): void {
    const memory = this.#memory.get();
    if (memory === null || this.#isFrozen()) return;
    const head = must(loadSafeHead(this.#runtime.sql), "an era begins at a safe head");
    const safeHead = head.blockNumber;
    const nowMs = this.#runtime.now();
    const isFrameOpening = isFrameDue(memory.head, safeHead);
    if (!isFrameOpening && decideClose(memory.head, this.#limits(memory), nowMs) === null) return;
    this.commit((draft) => {
      if (isFrameOpening) draft.openFrame(safeHead);
      const limits = { ...this.#limits(memory), targetBytes: draft.targetBytes };
      if (decideClose(draft.head, limits, nowMs) !== null) draft.seal();
    });
  }

  /** When `advance` will next close the batch by itself; null before genesis, and while it is frozen. */
  nextCloseAtMs(): UnixMs | null {
    const memory = this.#memory.get();
    if (memory === null || this.#isFrozen()) return null;
    return nextCloseAtMs(memory.head, this.#limits(memory));
  }

  #isFrozen(): boolean {
    const { sql } = this.#runtime;
    const { committee } = this.#hooks;
    if (committee !== null && (!committee.leads() || committee.isFull())) return true;
    return divergedAtNonce(sql) !== null || !isBaseReached(sql);
  }

  /** N14, C1: the wallet nonces that may be used from now on, durable before any is. */
  raiseWatermark(walletNonce: number): void {
    this.commit((draft) => {
      raiseWatermark(this.#runtime.sql, walletNonce);
      draft.append({ kind: "watermark", walletNonce });
    });
  }

  /** The era begins anew, at the safe head. */
  genesis(safeHead: BlockNumber, randomEra: Uint8Array): void {
    this.begin(() => genesisOrigin(this.#runtime, safeHead, randomEra));
  }

  /** The first transaction of an era. What `origin` writes, it writes in that transaction. */
  begin(origin: () => Origin): void {
    this.renew(() => writeOrigin(this.#runtime, origin()));
  }

  /**
   * A transaction that makes a memory of its own, as a genesis and a rollback do; null when it wrote
   * nothing. As in `commit`, the memory moves only after it.
   */
  renew<T extends Renewal>(work: () => T | null): T | null {
    const renewed = this.#dropOnThrow(() => transact(this.#runtime.storage, work));
    if (renewed === null) return null;
    this.#memory.set(renewed.next);
    this.#count(renewed);
    this.#promise(renewed.written);
    this.#publishCommitted(renewed.records);
    return renewed;
  }

  /**
   * One transaction of the lane. The memory moves only after it; on a throw it is dropped, since the
   * application may have executed what the database rolled back.
   */
  commit<T>(work: (draft: Draft, memory: Memory) => T): T {
    return this.#commit(work).value;
  }

  #commit<T>(work: (draft: Draft, memory: Memory) => T): Committed<T> {
    const { committee } = this.#hooks;
    assert(committee === null || committee.leads(), "C6: only an open epoch's leader appends");
    const memory = must(this.#memory.get(), "the lane commits after genesis");
    const draft = new Draft(this.#runtime, memory, this.#runtime.now());
    const { value, next } = this.#dropOnThrow(() =>
      transact(this.#runtime.storage, () => {
        const value = work(draft, memory);
        return { value, next: draft.finish() };
      }),
    );
    this.#memory.set(next);
    this.#count({ directs: draft.directs, voidedOps: null });
    const promised = this.#promise(draft.written);
    this.#publishCommitted(draft.records);
    return { value, promised };
  }

  #count({ directs, voidedOps }: Pick<Renewal, "directs" | "voidedOps">): void {
    const { counters } = this.#hooks;
    counters.directs += directs;
    if (voidedOps === null) return;
    counters.rollbacks++;
    counters.opsVoided += voidedOps;
  }

  /** Before readers are told: a rollback is kept from them until it is certified (F3). */
  #promise(written: Written): Promised | null {
    const { committee, counters } = this.#hooks;
    if (committee === null) return null;
    const last = written.chunks.at(-1)?.header.height;
    if (last !== undefined) {
      counters.chunksWritten(last, written.chunks.length, this.#runtime.now());
    }
    const signed = committee.wrote(written);
    signed.catch(() => undefined);
    return { written, signed };
  }

  /** What is committed is promised: a reader that cannot be told now gets it from the database. */
  #publishCommitted(records: readonly FeedRecord[] | null): void {
    try {
      this.#hooks.publish(records);
    } catch (error) {
      log("error", "publish-failed", { error: errorName(error) });
    }
  }

  #dropOnThrow<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.#memory.drop();
      throw error;
    }
  }

  #limits(memory: Memory): CloseLimits {
    const { batchLingerMs, maxBatchOpenMs } = this.#runtime.config.timing;
    return {
      targetBytes: memory.targetBytes,
      lingerMs: batchLingerMs,
      maxOpenMs: maxBatchOpenMs,
    };
  }
}
