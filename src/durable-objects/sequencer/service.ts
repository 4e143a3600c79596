/**
 * The object's mode: derived from stored facts, synchronously, never remembered across a wake (R1).
 *
 * Asked on every tick and heartbeat, before serving after a wake-up, and by the lane when the last
 * answer is older than `MODE_AGE_MS`, so that a lost alarm cannot keep a late sequencer serving (R3).
 */

import type { Mode } from "../../core/api/rejection.ts";
import { type Danger, type DangerFacts, decideDanger } from "../../core/recovery/danger.ts";
import { blockNumber, type UnixMs } from "../../core/types/units.ts";
import { errorName, log } from "../shared/log.ts";
import type { MemoryStore } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { divergedAtNonce, frontierNonce } from "./storage/acceptance.ts";
import { oldestUnaccepted, openBatchAge } from "./storage/egress.ts";
import { loadIdentity } from "./storage/identity.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";

const MODE_AGE_MS = 2_000;

/** Why the object refuses, for health and the log. */
export type Refusal = Danger["kind"] | "identity-mismatch" | "storage-full" | "fault";

export class Service {
  readonly #runtime: Runtime;
  readonly #memory: MemoryStore;
  /** Wakes count as behind L1 until a first reading succeeds, unless the last one is recent. */
  #isSyncDue: boolean;
  #fault: string | null = null;
  #mode: Mode = "starting";
  #refusal: Refusal | null = null;
  #derivedAtMs: number | null = null;

  constructor(runtime: Runtime, memory: MemoryStore) {
    this.#runtime = runtime;
    this.#memory = memory;
    this.#isSyncDue = isSyncDue(runtime);
  }

  /** The mode as it is now. */
  mode(): Mode {
    const nowMs = this.#runtime.now();
    if (this.#derivedAtMs === null || Math.abs(nowMs - this.#derivedAtMs) > MODE_AGE_MS) {
      return this.derive();
    }
    return this.#mode;
  }

  get refusal(): Refusal | null {
    return this.#refusal;
  }

  /** Asks every fact again. */
  derive(): Mode {
    this.#derivedAtMs = this.#runtime.now();
    const before = this.#mode;
    const refusedFor = this.#refusal;
    this.#refusal = null;
    this.#mode = this.#decide();
    if (before !== this.#mode || refusedFor !== this.#refusal) {
      const level = this.#mode === "refused" ? "error" : "info";
      log(level, "mode", { from: before, to: this.#mode, refusal: this.#refusal });
    }
    return this.#mode;
  }

  /** A reading of L1 succeeded, or L1 is unreachable and danger is decided on stored facts (R1). */
  synced(): void {
    this.#isSyncDue = false;
  }

  /** A transaction of a duty failed for a reason that is a bug; cleared when the duty succeeds. */
  fault(name: string | null): void {
    this.#fault = name;
  }

  #decide(): Mode {
    try {
      return this.#inspect();
    } catch (error) {
      // A memory that cannot be rebuilt, or rows that break an invariant: nothing can be promised.
      log("error", "derive-failed", { error: errorName(error) });
      return this.#refuse("fault");
    }
  }

  #inspect(): Mode {
    const { sql, config } = this.#runtime;
    if (!isOurs(this.#runtime)) return this.#refuse("identity-mismatch");
    if (divergedAtNonce(sql) !== null) return this.#refuse("canonical-divergence");
    if (this.#fault !== null) return this.#refuse("fault");
    if (this.#isSyncDue || this.#memory.get() === null) return "starting";
    const danger = decideDanger(inspectDanger(sql, this.#runtime.now()), config.timing);
    if (danger.kind !== "safe") return this.#refuse(danger.kind);
    if (sql.databaseSize > config.intakeBytesMax) return this.#refuse("storage-full");
    return "serving";
  }

  #refuse(refusal: Refusal): Mode {
    this.#refusal = refusal;
    return "refused";
  }
}

/** R1: due unless the safe head advanced within two reader polls and a block. */
function isSyncDue(runtime: Runtime): boolean {
  const head = loadSafeHead(runtime.sql);
  if (head === null) return true;
  const { secondsPerBlock } = runtime.config.timing;
  const ageMs = runtime.now() - head.syncedAtMs;
  return ageMs < 0 || ageMs > 2 * readPollMs(secondsPerBlock) + secondsPerBlock * 1000;
}

/** How often L1 is read: twice a block, between a quarter of a second and the model's two seconds. */
export function readPollMs(secondsPerBlock: number): number {
  return Math.min(2_000, Math.max(250, secondsPerBlock * 500));
}

/** Whether the database belongs to the configured deployment, or to none yet. */
export function isOurs(runtime: Runtime): boolean {
  const identity = loadIdentity(runtime.sql);
  if (identity === null) return true;
  const { config, application } = runtime;
  return (
    identity.chainId === config.chainId &&
    identity.app === config.app &&
    identity.submitter === config.submitter &&
    identity.application === application.name &&
    identity.applicationConfig === JSON.stringify(application.describeConfig(config.appConfig))
  );
}

/** Everything that the danger decision depends on, read in one turn. Genesis must be done. */
export function inspectDanger(sql: SqlStorage, nowMs: UnixMs): DangerFacts {
  const head = loadSafeHead(sql);
  const closed = oldestUnaccepted(sql, frontierNonce(sql));
  const tip = openBatchAge(sql);
  return {
    divergedAtNonce: divergedAtNonce(sql),
    safeBlock: head?.blockNumber ?? blockNumber(0),
    safeBlockTimestampS: head?.blockTimestamp ?? null,
    lastProgressMs: head?.syncedAtMs ?? nowMs,
    nowMs,
    oldestClosed: closed,
    tip,
  };
}
