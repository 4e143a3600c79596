/**
 * Looks at the database after every turn that changed it, and asserts what must hold at all times.
 *
 * Its queries are its own, so that a wrong view of the code under test cannot blind it.
 */

import { assert, must } from "../../src/core/types/assert.ts";
import type { SimStorage } from "./storage.ts";

type Facts = {
  readonly safeBlock: number;
  readonly generation: number;
  /** First frame's block of the closed batch that L1 accepts next, and of the open batch. */
  readonly closedFrom: number | null;
  readonly openFrom: number | null;
};

/** The batch that a rollback voided first, as it was before. */
type Pivot = { readonly isSealed: boolean; readonly from: number };

const FACTS = `
  SELECT h.generation, (SELECT block_number FROM l1_safe_head) AS safe_block,
    (SELECT f.safe_block FROM batches b JOIN frames f
       ON f.batch_index = b.batch_index AND f.frame_in_batch = 0
     WHERE b.invalidated_at_ms IS NULL AND b.sealed_at_ms IS NOT NULL
       AND b.batch_index > COALESCE((SELECT MAX(batch_index) FROM safe_accepted_batches), -1)
     ORDER BY b.batch_index LIMIT 1) AS closed_from,
    (SELECT f.safe_block FROM frames f WHERE f.frame_in_batch = 0
       AND f.batch_index = (SELECT MAX(batch_index) FROM batches)) AS open_from
  FROM history h`;

/** The oldest batch that is void now and was not when the generation before began. */
const PIVOT = `
  SELECT b.sealed_at_ms IS NOT NULL AS is_sealed, f.safe_block
  FROM batches b JOIN frames f ON f.batch_index = b.batch_index AND f.frame_in_batch = 0
  WHERE b.invalidated_at_ms IS NOT NULL AND b.batch_index > ? ORDER BY b.batch_index LIMIT 1`;

export class Monitor {
  readonly #storage: SimStorage;
  readonly #dangerBlocks: number;
  #changes = -1;
  #generation = 0;
  /** The life in which a closed batch was seen in danger since the last rollback. */
  #closedDangerIn: number | null = null;
  #highestVoid = -1;
  #isInDanger = false;
  cascades = 0;
  tipRecoveries = 0;

  constructor(storage: SimStorage, dangerBlocks: number) {
    this.#storage = storage;
    this.#dangerBlocks = dangerBlocks;
  }

  /** After a durable turn of the life. */
  observe(life: number): void {
    const { changes } = this.#storage;
    if (changes === this.#changes || !this.#storage.hasTable("history")) return;
    this.#changes = changes;
    const facts = readFacts(this.#storage);
    if (facts === null) return;
    if (facts.generation !== this.#generation) this.#judgeRollback(facts, life);
    const { closedFrom, openFrom, safeBlock } = facts;
    const isOld = (from: number | null) => from !== null && safeBlock - from >= this.#dangerBlocks;
    if (isOld(closedFrom)) this.#closedDangerIn = life;
    this.#isInDanger = isOld(closedFrom) || isOld(openFrom);
  }

  /** R3: asked when ops leave the object, in a turn that is not observed yet. */
  assertMayPromise(): void {
    assert(!this.#isInDanger, "R3: nothing is promised while a batch is in danger");
  }

  /** R2, R3: nothing is voided unless a batch was in danger by blocks alone. */
  #judgeRollback(facts: Facts, life: number): void {
    assert(facts.generation === this.#generation + 1, "N18: one rollback is one generation");
    this.#generation = facts.generation;
    const pivot = this.#pivot();
    this.#highestVoid = Number(
      this.#storage.read(
        "SELECT MAX(batch_index) AS top FROM batches WHERE invalidated_at_ms IS NOT NULL",
      )[0]?.["top"],
    );
    const isOld = facts.safeBlock - pivot.from >= this.#dangerBlocks;
    if (pivot.isSealed) {
      this.cascades += 1;
      assert(isOld || this.#closedDangerIn === life, "R3: a cascade has its cause");
    } else {
      this.tipRecoveries += 1;
      assert(isOld, "R3: a voided tip was in danger");
    }
    this.#closedDangerIn = null;
    assert(facts.openFrom === facts.safeBlock, "R2: the new batch opens at the safe head");
    assert(facts.closedFrom === null, "R2: nothing unaccepted survives a rollback");
  }

  #pivot(): Pivot {
    const row = must(this.#storage.read(PIVOT, this.#highestVoid)[0], "a rollback voids a batch");
    return {
      isSealed: row["is_sealed"] === 1,
      from: Number(row["safe_block"]),
    };
  }
}

function readFacts(storage: SimStorage): Facts | null {
  const row = storage.read(FACTS)[0];
  if (row === undefined || row["safe_block"] === null) return null;
  const block = (value: unknown): number | null => (value === null ? null : Number(value));
  return {
    safeBlock: Number(row["safe_block"]),
    generation: Number(row["generation"]),
    closedFrom: block(row["closed_from"]),
    openFrom: block(row["open_from"]),
  };
}
