/**
 * The inclusion lane: the only writer of the promised order.
 *
 * Ops queue in memory and are validated, executed and appended together, one transaction and one
 * flush to disk for all that arrived within `GROUP_MS` or fill a chunk. Nothing here awaits: between
 * the validation of an op and its row no other event runs (I3), so there is no lock. The platform
 * holds every reply and every socket message until the transaction is durable; if the object dies
 * before that, no 200 was sent, and a client's retry is answered by I4. Under a committee the reply also
 * waits for the chunk's signature; meanwhile the next group may be committed on top of it.
 */

import {
  applicationError,
  executionRejected,
  type Mode,
  queueFull,
  type Rejection,
  storageError,
  unavailable,
  uncertified,
} from "../../core/api/rejection.ts";
import type { SignedUserOp } from "../../core/api/sequencer-api.ts";
import type { FeedRecord } from "../../core/feed/record.ts";
import {
  type CloseLimits,
  decideClose,
  decideInclusion,
  isFrameDue,
  mustCloseBeforeOp,
  nextCloseAtMs,
} from "../../core/lane/decide.ts";
import { assert, must } from "../../core/types/assert.ts";
import { CHUNK_OPS_MAX, QUEUE_OPS_MAX } from "../../core/types/protocol.ts";
import { err, ok } from "../../core/types/result.ts";
import type { BlockNumber, UnixMs } from "../../core/types/units.ts";
import { errorName, log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import type { Written } from "./chunk-writer.ts";
import { ApplicationFault, Draft, guarded } from "./draft.ts";
import type { Memory, MemoryStore } from "./memory.ts";
import { genesisOrigin, type Origin, writeOrigin } from "./origin.ts";
import {
  type Decision,
  type LaneCommittee,
  type Outcome,
  originalDecision,
  type Promised,
  withReceipts,
} from "./promise.ts";
import type { Runtime } from "./runtime.ts";
import { divergedAtNonce } from "./storage/acceptance.ts";
import { isBaseReached } from "./storage/history.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { raiseWatermark } from "./storage/submission.ts";

/** How long the first op of a group waits for company. */
const GROUP_MS = 1;

/** What a transaction that begins anew leaves for readers and in memory. */
export type Renewal = {
  /** Null: too many to be held. */
  readonly records: readonly FeedRecord[] | null;
  readonly written: Written;
  readonly next: Memory;
};

type Waiting = { readonly op: SignedUserOp; readonly reply: (outcome: Outcome) => void };

export type LaneHooks = {
  readonly mode: () => Mode;
  readonly publish: (records: readonly FeedRecord[] | null) => void;
  readonly committee: LaneCommittee | null;
};

export class Lane {
  readonly #runtime: Runtime;
  readonly #memory: MemoryStore;
  readonly #hooks: LaneHooks;
  #queue: Waiting[] = [];
  /** The next flush, and whether it waits for company or comes as soon as the turn is over. */
  #timer: { readonly cancel: () => void; readonly delayMs: number } | null = null;

  constructor(runtime: Runtime, memory: MemoryStore, hooks: LaneHooks) {
    this.#runtime = runtime;
    this.#memory = memory;
    this.#hooks = hooks;
  }

  get isQueueFull(): boolean {
    return this.#queue.length >= QUEUE_OPS_MAX;
  }

  /** Resolves when the op's chunk is appended, or at once when the queue is full (I5). */
  submit(op: SignedUserOp): Promise<Outcome> {
    if (this.isQueueFull) return Promise.resolve(err(queueFull));
    return new Promise((reply) => {
      this.#queue.push({ op, reply });
      this.#schedule(this.#queue.length >= CHUNK_OPS_MAX ? 0 : GROUP_MS);
    });
  }

  /** A full chunk does not wait out the time that was set for a smaller one. */
  #schedule(delayMs: number): void {
    if (this.#timer !== null) {
      if (this.#timer.delayMs <= delayMs) return;
      this.#timer.cancel();
    }
    const cancel = this.#runtime.later(() => {
      this.#timer = null;
      this.#flush();
    }, delayMs);
    this.#timer = { cancel, delayMs };
  }

  /** One chunk a turn, so that a full queue does not keep L1 and readers waiting. */
  #flush(): void {
    const group = this.#queue.splice(0, CHUNK_OPS_MAX);
    if (group.length === 0) return;
    const refusal = this.#refusal();
    if (refusal === null) this.#include(group);
    else for (const { reply } of group) reply(err(refusal));
    if (this.#queue.length > 0) this.#schedule(0);
  }

  #refusal(): Rejection | null {
    const { mode, committee } = this.#hooks;
    const now = mode();
    if (now !== "serving") return unavailable(now);
    return committee?.isFull() === true ? uncertified : null;
  }

  #include(group: readonly Waiting[]): void {
    const { committee } = this.#hooks;
    const { decisions, promised } = this.#includeGroup(group);
    const answer = (outcomes: readonly Outcome[]) => {
      for (const [i, { reply }] of group.entries()) reply(must(outcomes[i], "each has an outcome"));
    };
    if (committee === null || promised === null) answer(decisions);
    else void withReceipts(decisions, promised, committee).then(answer);
  }

  #includeGroup(group: readonly Waiting[]): {
    readonly decisions: readonly Decision[];
    readonly promised: Promised | null;
  } {
    try {
      const { value, promised } = this.#commit((draft, memory) =>
        group.map(({ op }) => this.#includeOne(draft, memory, op)),
      );
      return { decisions: value, promised };
    } catch (error) {
      // Nothing of the group was appended and the memory is dropped: every op may be sent again.
      log("error", "chunk-failed", { error: errorName(error), ops: group.length });
      const rejection = error instanceof ApplicationFault ? applicationError : storageError;
      return { decisions: group.map(() => err(rejection)), promised: null };
    }
  }

  #includeOne(draft: Draft, memory: Memory, op: SignedUserOp): Decision {
    if (mustCloseBeforeOp(draft.head, op.data.length)) draft.seal();
    const invalid = guarded(() => decideInclusion(memory.state, op, draft.head));
    if (invalid !== null) {
      // I4. Looked up only here, since an included op's nonce is used: its retry always lands here.
      return originalDecision(this.#runtime.sql, op) ?? err(executionRejected(invalid));
    }
    const place = draft.include(op);
    if (draft.head.batchBytes >= draft.targetBytes) draft.seal();
    return ok(place);
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

  #commit<T>(work: (draft: Draft, memory: Memory) => T): {
    readonly value: T;
    readonly promised: Promised | null;
  } {
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
    const promised = this.#promise(draft.written);
    this.#publishCommitted(draft.records);
    return { value, promised };
  }

  /** Before readers are told: a rollback is kept from them until it is certified (F3). */
  #promise(written: Written): Promised | null {
    const { committee } = this.#hooks;
    if (committee === null) return null;
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
