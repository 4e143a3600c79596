/**
 * A log begun beyond its first chunk, step by step: a chunk is taken, its state fetched, its batch found (C6).
 *
 * A validator that let go of the first chunks hands out a certified one with the seal of a state. The chunk
 * waits; the log is followed behind it at once, whatever becomes of the rest. Ticks fetch the state, by its
 * hash, from whoever has it, and read L1 until the batch of the seal is accepted there: a young state is
 * waited for. Then the log begins. Each step is stored; whatever life comes next goes on with the one after.
 *
 * What cannot end well is forgotten (`replica-reset.ts`) and asked for anew: a state that nobody has any
 * more, a seal that a rollback made void, a batch that L1 does not have.
 */

import type { BeginningHooks, FoundBeginning } from "../../consensus/beginnings.ts";
import type { LogEntry } from "../../consensus/payload-store.ts";
import { decodeEvents } from "../../core/chunk/event.ts";
import { landmarksOf } from "../../core/chunk/landmarks.ts";
import { assert } from "../../core/types/assert.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { ok, type Result } from "../../core/types/result.ts";
import { blockNumber } from "../../core/types/units.ts";
import type { L1Error } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import type { AskPart } from "../shared/snapshot-client.ts";
import { download, joinParts, type StateParts } from "../shared/state-parts.ts";
import { transact } from "../shared/transact.ts";
import type { Followed } from "./follow.ts";
import type { Reading } from "./following.ts";
import { headAtSeal, isPlanned, planBeginning, plannedSeal } from "./plan-beginning.ts";
import { pinIdentity, readL1 } from "./read-l1.ts";
import { type Follower, receivedThrough } from "./replica.ts";
import { beginReset } from "./replica-reset.ts";
import { beginFromSnapshot } from "./replica-snapshot.ts";
import type { Runtime } from "./runtime.ts";
import { ResetNeeded } from "./storage/log-store.ts";
import type { ReceivedChunk } from "./storage/replica.ts";
import {
  dropParts,
  insertPart,
  loadBeginning,
  loadPart,
  partsHeld,
  rootHeight,
} from "./storage/replica-beginning.ts";
import { isResetting } from "./storage/replica-reset.ts";

/** Who may have the state, and how it is asked for. */
export type StateSource = { readonly endpoints: readonly string[]; readonly ask: AskPart };

/** The reader judges nothing before there is a log, so it may go as far as L1 is safe. */
const ANY_BLOCK = blockNumber(Number.MAX_SAFE_INTEGER);

export class LogBeginning {
  readonly #runtime: Runtime;
  readonly #parts: StateParts;
  /** Its first chunk was refused: it begins with what no state of ours leads to (R5). */
  #isWanted = false;
  /** Whose turn it is to be asked for parts, and how many had none since somebody did. */
  #turn = 0;
  #without = 0;
  /** The state that is here whole. */
  #whole: Hash32 | null = null;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    const { sql, storage } = runtime;
    this.#parts = {
      held: () => partsHeld(sql),
      load: (part) => loadPart(sql, part),
      insert: (part, bytes) => transact(storage, () => insertPart(sql, part, bytes)),
    };
  }

  /** Whether a state is awaited, and nothing else is done. */
  get isUnderWay(): boolean {
    return isPlanned(this.#runtime.sql);
  }

  /** The log's first chunk is not one that this candidate can begin with. */
  want(): void {
    this.#isWanted = true;
  }

  /** `received`: as a store keeps it. `planned`: a step is due. */
  hooks(
    follower: (era: Uint8Array) => Follower,
    received: (entry: LogEntry) => ReceivedChunk,
    planned: () => void,
  ): BeginningHooks {
    return {
      isWanted: () => this.#isWanted && !this.isUnderWay,
      take: async (found) => {
        const { header } = found.entry.signed;
        const taken = () => this.#take(follower(header.era), received(found.entry), found);
        const isTaken = await Promise.resolve().then(taken);
        if (isTaken) planned();
        return isTaken;
      },
    };
  }

  #take(
    follower: Follower,
    chunk: ReceivedChunk,
    { entry: { ref }, certificate }: FoundBeginning,
  ): boolean {
    const { sql } = this.#runtime;
    if (isResetting(sql) || receivedThrough(sql) >= ref.height) return false;
    // What is here ends before anything that is kept elsewhere, or was begun with and refused.
    if (receivedThrough(sql) >= 0) throw new ResetNeeded();
    const planned = planBeginning(follower, chunk, certificate);
    if (!planned.ok && planned.error === "tables") throw new ResetNeeded();
    if (!planned.ok) {
      log("warn", "beginning-refused", { height: ref.height, reason: planned.error });
      return false;
    }
    this.#isWanted = false;
    this.#whole = null;
    log("info", "beginning-planned", { height: ref.height });
    return true;
  }

  /** Throws `ResetNeeded` where a chunk voids the seal whose state is awaited. */
  checkAgainst(follower: (era: Uint8Array) => Follower, entries: readonly LogEntry[]): void {
    const [first] = entries;
    if (first === undefined || !this.isUnderWay) return;
    const head = headAtSeal(plannedSeal(follower(first.signed.header.era)));
    for (const { signed, bytes, ref } of entries) {
      const events = bytes === null ? null : decodeEvents(bytes);
      assert(events?.ok === true, "a chunk was judged before it is adopted");
      const { keepThrough } = landmarksOf(events.value, signed.header.firstOffset);
      if (keepThrough === null || keepThrough >= head) continue;
      log("warn", "beginning-void", { height: ref.height });
      throw new ResetNeeded();
    }
  }

  /** One step towards the log. Call it while one is under way, and nothing is being forgotten. */
  async step(
    follower: Follower,
    source: StateSource,
    reading: Reading,
  ): Promise<Result<Followed, L1Error>> {
    const { sql } = this.#runtime;
    const { stateHash } = plannedSeal(follower).seal;
    if (this.#whole !== stateHash && !(await this.#fetch(stateHash, source))) {
      return ok(waiting(this.#without === 0 || isResetting(sql)));
    }
    if (loadBeginning(sql)?.landingIndex == null) {
      const read = await this.#read(reading);
      if (!read.ok) return read;
      if (loadBeginning(sql)?.landingIndex == null) return ok(waiting(read.value));
    }
    if (!this.isUnderWay || isResetting(sql)) return ok(waiting(true));
    return ok(waiting(this.#begin(follower, stateHash)));
  }

  /** True when the whole state is here. */
  async #fetch(hash: Hash32, { endpoints, ask }: StateSource): Promise<boolean> {
    const { sql, storage } = this.#runtime;
    const endpoint = endpoints[this.#turn % endpoints.length] ?? "";
    const before = partsHeld(sql);
    const isThere = await download(this.#parts, hash, (part) => ask(endpoint, hash, part));
    if (!this.isUnderWay || isResetting(sql)) return false;
    if (isThere && joinParts(this.#parts.load, hash) !== null) {
      this.#whole = hash;
      this.#without = 0;
      return true;
    }
    // The next one goes on where this one stopped; after bytes of another state, from the first part.
    this.#turn += 1;
    this.#without = partsHeld(sql) > before && !isThere ? 0 : this.#without + 1;
    if (isThere) {
      log("warn", "snapshot-mismatch", { height: rootHeight(sql) });
      transact(storage, () => dropParts(sql));
    }
    if (this.#without >= 2 * endpoints.length) this.#giveUp("gone");
    return false;
  }

  /** True when more of L1 may be read at once. */
  async #read({ connect, sliceBlocks }: Reading): Promise<Result<boolean, L1Error>> {
    const l1 = connect();
    const identity = await pinIdentity(this.#runtime, l1);
    if (!identity.ok) return identity;
    const read = await readL1(this.#runtime, l1, identity.value, sliceBlocks, ANY_BLOCK);
    return read.ok ? ok(read.value.advanced && !read.value.reachedSafeHead) : read;
  }

  /** True when something is due at once. */
  #begin(follower: Follower, hash: Hash32): boolean {
    const { sql } = this.#runtime;
    const height = rootHeight(sql);
    const state = joinParts(this.#parts.load, hash);
    const begun = state === null ? null : beginFromSnapshot(follower, state);
    if (begun?.ok === true) {
      log("info", "log-begun", { height });
      return true;
    }
    if (begun?.error === "unread") return false;
    this.#giveUp(begun?.error ?? "state");
    return true;
  }

  #giveUp(reason: string): void {
    log("warn", "beginning-failed", { height: rootHeight(this.#runtime.sql), reason });
    this.#whole = null;
    this.#without = 0;
    beginReset(this.#runtime);
  }
}

function waiting(isMoreDue: boolean): Followed {
  return { through: -1, waitsFor: null, problem: null, isMoreDue };
}
