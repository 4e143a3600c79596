/**
 * The object's mode: derived from stored facts, synchronously, never remembered across a wake (R1).
 *
 * Asked on every tick and heartbeat, before serving after a wake-up, and by the lane when the last
 * answer is older than `MODE_AGE_MS`, so that a lost alarm cannot keep a late sequencer serving (R3).
 */

import type { Mode } from "../../core/api/rejection.ts";
import type { Refusal } from "../../core/api/sequencer-api.ts";
import type { Phase } from "../../core/recovery/controller.ts";
import type { Danger } from "../../core/recovery/danger.ts";
import { errorName, log } from "../shared/log.ts";
import { isOurs } from "./inspect.ts";
import type { MemoryStore } from "./memory.ts";
import type { Recovery } from "./recover.ts";
import type { Runtime } from "./runtime.ts";
import { loadHistory } from "./storage/history.ts";
import { isRebuildAwaited } from "./storage/rebuild.ts";

const MODE_AGE_MS = 2_000;

/** What the mode asks of a committee. */
export type ServiceCommittee = {
  /** What this candidate may not do; null: it leads, its epoch is open, and the rest decides. */
  readonly standing: () => "following" | "fenced" | "draining" | "starting" | "fault" | null;
  /** F3: a rollback is committed that readers do not know of yet. */
  readonly isRollbackOpen: () => boolean;
};

/** What may fail with a bug: the order itself, or its rollback. */
export type Faulty = "advance" | "recovery";

export class Service {
  readonly #runtime: Runtime;
  readonly #memory: MemoryStore;
  readonly #recovery: Recovery;
  readonly #committee: ServiceCommittee | null;
  readonly #faults = new Set<Faulty>();
  #mode: Mode = "starting";
  #refusal: Refusal | null = null;
  #derivedAtMs: number | null = null;

  constructor(
    runtime: Runtime,
    memory: MemoryStore,
    recovery: Recovery,
    committee: ServiceCommittee | null = null,
  ) {
    this.#committee = committee;
    this.#runtime = runtime;
    this.#memory = memory;
    this.#recovery = recovery;
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

  /** A transaction failed for a reason that is a bug; `isFaulty` false when it succeeds again. */
  fault(what: Faulty, isFaulty: boolean): void {
    if (isFaulty) this.#faults.add(what);
    else this.#faults.delete(what);
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
    const { sql } = this.#runtime;
    if (!isOurs(this.#runtime)) return this.#refuse("identity-mismatch");
    const standing = this.#committee?.standing() ?? null;
    if (standing === "fault") return this.#refuse("fault");
    // What only a leader is judged by is not asked of a candidate that follows.
    if (standing === "following") return standing;
    if (isRebuildAwaited(sql)) return this.#refuse("previous-instance");
    if (loadHistory(sql) === null) return "starting";
    const { decision, danger } = this.#recovery.judge();
    if (decision.do === "refuse") return this.#refuse(decision.why);
    if (this.#faults.size > 0) return this.#refuse("fault");
    if (standing !== null) return standing;
    switch (decision.do) {
      case "admit":
        return this.#admit();
      case "phase":
        return this.#inPhase(decision.phase);
      case "retry":
        return decision.why === "view-unusable" ? this.#refuse(unusable(danger)) : "recovering";
    }
  }

  #admit(): Mode {
    const { sql, config } = this.#runtime;
    if (this.#committee?.isRollbackOpen() === true) return "recovering";
    // Rebuilt here, so that what cannot be rebuilt is found before anything is promised on it.
    if (this.#memory.get() === null) return "starting";
    return sql.databaseSize > config.intakeBytesMax ? this.#refuse("storage-full") : "serving";
  }

  #inPhase(phase: Phase): Mode {
    switch (phase.name) {
      case "initial-sync":
        return "starting";
      case "ensure-open-tip":
        // N8: every transaction leaves an open batch, so the database is damaged.
        return this.#refuse("fault");
      case "flush":
      case "post-flush-sync":
      case "cascade":
      case "recover-tip":
        return "recovering";
    }
  }

  #refuse(refusal: Refusal): Mode {
    this.#refusal = refusal;
    return "refused";
  }
}

function unusable({ kind }: Danger): Refusal {
  return kind === "estimated-batch-in-danger" ? kind : "l1-view-stale";
}
