/** Disks that take their time and forget what was not written when their node crashes. */

import { type CommitLog, MemoryCommitLog } from "../../src/consensus/council.ts";
import { MemoryRecordStore, type RecordStore } from "../../src/consensus/epoch-manager.ts";
import { type ConductorStore, MemoryPayloadStore } from "../../src/consensus/payload-store.ts";
import { MemoryValidatorStore, type ValidatorStore } from "../../src/consensus/validator-store.ts";
import type { SignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { EMPTY_LINE } from "../../src/core/consensus/line.ts";
import type { Random } from "../sim/random.ts";
import type { Timeline } from "../sim/timeline.ts";

/** One node's disk in one life: writes end in their order, each after a while, unless the life ends. */
export class Disk {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #mostMs: number;
  #isAlive = true;
  #endsMs = 0;
  /** The next write fails, and says so. */
  failsNext = false;

  constructor(timeline: Timeline, random: Random, mostMs: number) {
    this.#timeline = timeline;
    this.#random = random;
    this.#mostMs = mostMs;
  }

  /** Whatever is not written yet never is, and nobody hears of it. */
  lose(): void {
    this.#isAlive = false;
  }

  write(work: () => Promise<void>): Promise<void> {
    const atMs = this.#timeline.nowMs + this.#random.between(0, this.#mostMs);
    this.#endsMs = Math.max(this.#endsMs, atMs);
    const fails = this.failsNext;
    this.failsNext = false;
    return new Promise((resolve, reject) => {
      this.#timeline.at(this.#endsMs, async () => {
        if (!this.#isAlive) return;
        if (fails) return reject(new Error("the disk is full"));
        await work();
        resolve();
      });
    });
  }
}

/** `store` as a life sees it. */
export function validatorStoreOn(disk: Disk, store: MemoryValidatorStore): ValidatorStore {
  return {
    load: () => store.load(),
    payload: (hash) => store.payload(hash),
    certifiedAt: (height) => store.certifiedAt(height),
    certificateUpTo: (height) => store.certificateUpTo(height),
    beginning: () => store.beginning(),
    write: (write) => disk.write(() => store.write(write)),
  };
}

export type CandidateDisks = {
  readonly log: MemoryPayloadStore;
  readonly records: MemoryRecordStore;
  readonly commits: MemoryCommitLog;
};

export function newCandidateDisks(genesis: SignedRecord): CandidateDisks {
  return {
    log: new MemoryPayloadStore(EMPTY_LINE),
    records: new MemoryRecordStore(genesis),
    commits: new MemoryCommitLog(),
  };
}

export function newValidatorDisk(genesis: SignedRecord, known: KnownRecord): MemoryValidatorStore {
  return new MemoryValidatorStore(genesis, known);
}

export function payloadStoreOn(disk: Disk, store: ConductorStore): ConductorStore {
  return {
    ends: () => store.ends(),
    page: (from, through, bytesMax) => store.page(from, through, bytesMax),
    prunedThrough: () => store.prunedThrough(),
    certificateFor: (height) => store.certificateFor(height),
    byPayloadHeight: (height) => store.byPayloadHeight(height),
    byDigest: (digest) => store.byDigest(digest),
    latest: (through) => store.latest(through),
    takeover: () => store.takeover(),
    append: (entry) => disk.write(() => store.append(entry)),
    adopt: (from, entries) => disk.write(() => store.adopt(from, entries)),
    certify: (certificate) => disk.write(() => store.certify(certificate)),
    prune: (through) => disk.write(() => store.prune(through)),
    saveTakeover: (epoch) => disk.write(() => store.saveTakeover(epoch)),
  };
}

export function recordStoreOn(disk: Disk, store: RecordStore): RecordStore {
  return {
    load: () => store.load(),
    append: (records) => disk.write(() => store.append(records)),
  };
}

export function commitLogOn(disk: Disk, log: CommitLog): CommitLog {
  return { load: () => log.load(), write: (row) => disk.write(() => log.write(row)) };
}
