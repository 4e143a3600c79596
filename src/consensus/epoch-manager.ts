/**
 * Who leads and who certifies, epoch by epoch: one verified chain of records, three rules of succession.
 *
 *     recordChainManager   elected: any candidate, named by a vote or by an operator
 *     staticManager        scheduled: the candidate at epoch mod candidates
 *     singleManager        one sequencer for good: an epoch may follow, a leader may not
 *
 * All three hand over by the same records: a schedule says who may lead, and the committee's signatures
 * say that it does, and from where.
 */

import { nominee, type Succession } from "../core/consensus/election-rules.ts";
import { type EpochChain, recordAt, type SignedRecord } from "../core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { leaderOf } from "../core/consensus/signed-header.ts";
import { type CandidateIndex, candidateIndex, epoch } from "../core/consensus/types.ts";
import { bytesEqual } from "../core/types/bytes.ts";
import type { Hash32 } from "../core/types/hex.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import type { Judge } from "./clock.ts";
import { Records } from "./records.ts";

/** Durable when it resolves. */
export type RecordStore = {
  readonly load: () => Promise<readonly SignedRecord[]>;
  readonly append: (records: readonly SignedRecord[]) => Promise<void>;
};

export class MemoryRecordStore implements RecordStore {
  #records: readonly SignedRecord[];

  constructor(genesis: SignedRecord) {
    this.#records = [genesis];
  }

  load(): Promise<readonly SignedRecord[]> {
    return Promise.resolve(this.#records);
  }

  append(records: readonly SignedRecord[]): Promise<void> {
    this.#records = [...this.#records, ...records];
    return Promise.resolve();
  }
}

/** `not-supported`: this leader stays. `no-successor`: no such candidate, or not its turn. */
export type SuccessionProblem = "not-supported" | "no-successor";

export type EpochManager = {
  readonly succession: Succession;
  readonly chain: () => EpochChain;
  readonly current: () => KnownRecord;
  /** The record of exactly this epoch; epochs have gaps. */
  readonly record: (epoch: number) => KnownRecord | null;
  /** Whether this key leads the newest epoch. */
  readonly isSequencer: (key: Uint8Array) => boolean;
  /** The next page of signed records. */
  readonly after: (epoch: number) => readonly SignedRecord[];
  /** Verifies, stores and announces what follows the newest record; says whether anything did. */
  readonly extend: (records: readonly SignedRecord[]) => Promise<boolean>;
  /** Hears of each new record, until the answer is called. */
  readonly subscribe: (listener: (known: KnownRecord) => void) => () => void;
  /** Whom to ask for next; null: whoever's turn it is. */
  readonly successor: (to: string | null) => Result<CandidateIndex | null, SuccessionProblem>;
};

type ManagerOptions = {
  readonly judge: Judge;
  readonly store: RecordStore;
  /** Hash of the first record. */
  readonly genesis: Hash32;
};

export function recordChainManager(options: ManagerOptions): Promise<EpochManager> {
  return ChainManager.open(options, "any");
}

export function staticManager(options: ManagerOptions): Promise<EpochManager> {
  return ChainManager.open(options, "schedule");
}

export function singleManager(options: ManagerOptions): Promise<EpochManager> {
  return ChainManager.open(options, "single");
}

class ChainManager implements EpochManager {
  readonly succession: Succession;
  readonly #records: Records;
  readonly #store: RecordStore;
  readonly #listeners = new Set<(known: KnownRecord) => void>();
  /** One at a time: a second verification would start from a head that is about to move. */
  #extending: Promise<unknown> = Promise.resolve();

  private constructor(succession: Succession, records: Records, store: RecordStore) {
    this.succession = succession;
    this.#records = records;
    this.#store = store;
  }

  static async open(
    { judge, store, genesis }: ManagerOptions,
    succession: Succession,
  ): Promise<EpochManager> {
    const records = await Records.open(judge, genesis, await store.load());
    return new ChainManager(succession, records, store);
  }

  readonly chain = (): EpochChain => this.#records.chain;
  readonly current = (): KnownRecord => this.#records.head;
  readonly record = (at: number): KnownRecord | null => recordAt(this.chain(), at);
  readonly isSequencer = (key: Uint8Array): boolean =>
    bytesEqual(leaderOf(this.current().record).key, key);
  readonly after = (at: number): readonly SignedRecord[] => this.#records.after(at);

  readonly extend = async (records: readonly SignedRecord[]): Promise<boolean> => {
    const extended = this.#extending.then(async () => await this.#extend(records));
    // A store that fails fails its caller; the next caller starts from what is there.
    this.#extending = extended.catch(() => false);
    return await extended;
  };

  async #extend(records: readonly SignedRecord[]): Promise<boolean> {
    const verified = await this.#records.check(records);
    if (verified.length === 0) return false;
    await this.#store.append(verified.map(({ signed }) => signed));
    const taken = this.#records.take(verified);
    for (const { known } of taken) for (const listener of this.#listeners) listener(known);
    return true;
  }

  readonly subscribe = (listener: (known: KnownRecord) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  readonly successor = (to: string | null): Result<CandidateIndex | null, SuccessionProblem> => {
    const { record } = this.current();
    const at = to === null ? -1 : record.candidates.findIndex(({ id }) => id === to);
    if (to !== null && at === -1) return err("no-successor");
    // A leader may follow itself: that is how a committee changes under one that stays.
    const isOther = at !== record.leader;
    if (isOther && (this.succession === "single" || record.candidates.length === 1)) {
      return err("not-supported");
    }
    if (to === null) return ok(null);
    const next = nominee(record, epoch(record.epoch + 1), this.succession);
    if (this.succession === "schedule" && at !== next) return err("no-successor");
    return ok(candidateIndex(at));
  };
}
