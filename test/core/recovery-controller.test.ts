/** The recovery controller: every row of its table, in the table's order, and whole recoveries. */

import { describe, expect, test } from "vitest";
import {
  decideRecovery,
  type Phase,
  type Progress,
  type RecoveryDecision,
  type RecoveryFacts,
} from "../../src/core/recovery/controller.ts";
import type { Danger } from "../../src/core/recovery/danger.ts";
import { blockNumber } from "../../src/core/types/units.ts";

/** The block at which the flush was seen complete. */
const C = blockNumber(5_000);

const dangers: readonly Danger[] = [
  { kind: "safe" },
  { kind: "canonical-divergence", nonce: 4 },
  { kind: "l1-view-stale" },
  { kind: "closed-batch-in-danger", batchIndex: 7 },
  { kind: "tip-in-danger", batchIndex: 8 },
  { kind: "estimated-batch-in-danger", batchIndex: 7 },
];
const progresses: readonly Progress[] = [
  { at: "need-initial-sync" },
  { at: "inspecting" },
  { at: "flushed", safeBlock: C },
  { at: "post-flush-synced", safeBlock: C },
  { at: "repaired" },
];
const heads = [null, blockNumber(C - 1), C, blockNumber(C + 1)];

/** Nothing is wrong, but for `change`. */
const facts = (change: Partial<RecoveryFacts> = {}): RecoveryFacts => ({
  danger: { kind: "safe" },
  hasRollbackSafeSnapshot: true,
  hasOpenTip: true,
  safeBlock: C,
  ...change,
});
const inspecting: Progress = { at: "inspecting" };

function phase(next: Phase): RecoveryDecision {
  return { do: "phase", phase: next };
}

type Row = {
  readonly row: string;
  readonly when: (facts: RecoveryFacts, progress: Progress) => boolean;
  readonly decision: RecoveryDecision;
};

const isSafe = ({ danger }: RecoveryFacts): boolean => danger.kind === "safe";
const isHeadAt = (head: (safeBlock: number) => boolean) => (seen: RecoveryFacts, at: Progress) =>
  at.at === "post-flush-synced" && seen.safeBlock !== null && head(seen.safeBlock);

/** The table of R§3.1: the first row that holds is the answer. */
const table: readonly Row[] = [
  {
    row: "divergence",
    when: ({ danger }) => danger.kind === "canonical-divergence",
    decision: { do: "refuse", why: "canonical-divergence" },
  },
  {
    row: "no snapshot that no rollback can take away",
    when: (seen) => !seen.hasRollbackSafeSnapshot,
    decision: { do: "refuse", why: "no-snapshot" },
  },
  {
    row: "an initial sync is due",
    when: (_, { at }) => at === "need-initial-sync",
    decision: phase({ name: "initial-sync" }),
  },
  {
    row: "flushed",
    when: (_, { at }) => at === "flushed",
    decision: phase({ name: "post-flush-sync", safeBlock: C }),
  },
  {
    row: "synced after the flush, without a safe head",
    when: (seen, { at }) => at === "post-flush-synced" && seen.safeBlock === null,
    decision: { do: "refuse", why: "no-safe-head" },
  },
  {
    row: "synced after the flush, a block short of it",
    when: isHeadAt((head) => head < C),
    decision: { do: "retry", why: "behind-flush" },
  },
  {
    row: "synced after the flush, up to it",
    when: isHeadAt((head) => head >= C),
    decision: phase({ name: "cascade", safeBlock: C }),
  },
  {
    row: "repaired and safe",
    when: (seen, { at }) => at === "repaired" && isSafe(seen) && seen.hasOpenTip,
    decision: { do: "admit" },
  },
  {
    row: "repaired and safe, without an open batch",
    when: (seen, { at }) => at === "repaired" && isSafe(seen),
    decision: phase({ name: "ensure-open-tip" }),
  },
  {
    row: "repaired, and still in danger",
    when: (_, { at }) => at === "repaired",
    decision: { do: "retry", why: "danger-persists" },
  },
  {
    row: "inspecting: safe",
    when: (seen) => isSafe(seen) && seen.hasOpenTip,
    decision: { do: "admit" },
  },
  {
    row: "inspecting: safe, without an open batch",
    when: isSafe,
    decision: phase({ name: "ensure-open-tip" }),
  },
  {
    row: "inspecting: a closed batch in danger",
    when: ({ danger }) => danger.kind === "closed-batch-in-danger",
    decision: phase({ name: "flush" }),
  },
  {
    row: "inspecting: the open batch in danger",
    when: ({ danger }) => danger.kind === "tip-in-danger",
    decision: phase({ name: "recover-tip", batchIndex: 8 }),
  },
  {
    row: "inspecting: nothing that blocks alone can tell",
    when: () => true,
    decision: { do: "retry", why: "view-unusable" },
  },
];

const everything = dangers.flatMap((danger) =>
  [true, false].flatMap((hasRollbackSafeSnapshot) =>
    [true, false].flatMap((hasOpenTip) =>
      heads.flatMap((safeBlock) =>
        progresses.map((progress) => ({
          seen: { danger, hasRollbackSafeSnapshot, hasOpenTip, safeBlock },
          progress,
        })),
      ),
    ),
  ),
);

describe("[R1] the decision table", () => {
  test.each(table.map(({ row, decision }, i) => ({ row, decision, above: table.slice(0, i) })))(
    "$row: $decision",
    ({ row, decision, above }) => {
      const own = table.find((one) => one.row === row);
      const answered = everything.filter(
        ({ seen, progress }) =>
          own?.when(seen, progress) === true && !above.some((one) => one.when(seen, progress)),
      );
      expect(answered.length).toBeGreaterThan(0);
      for (const { seen, progress } of answered) {
        expect(decideRecovery(seen, progress)).toEqual(decision);
      }
    },
  );

  test("a view that is stale or estimated is never repaired on", () => {
    for (const danger of dangers) {
      if (danger.kind !== "l1-view-stale" && danger.kind !== "estimated-batch-in-danger") continue;
      const decision = decideRecovery(facts({ danger }), inspecting);
      expect(decision).toEqual({ do: "retry", why: "view-unusable" });
    }
  });
});

describe("[R2] what a cascade asks for", () => {
  test.each([
    { head: C - 1, decision: { do: "retry", why: "behind-flush" } },
    { head: C, decision: phase({ name: "cascade", safeBlock: C }) },
    { head: C + 1, decision: phase({ name: "cascade", safeBlock: C }) },
  ])("a head at $head after a flush seen at 5000: $decision.do", ({ head, decision }) => {
    const seen = facts({ safeBlock: blockNumber(head) });
    expect(decideRecovery(seen, { at: "post-flush-synced", safeBlock: C })).toEqual(decision);
  });

  test("nothing but a sync after a flush leads to it", () => {
    for (const { seen, progress } of everything) {
      const decision = decideRecovery(seen, progress);
      if (decision.do !== "phase" || decision.phase.name !== "cascade") continue;
      expect(progress.at).toBe("post-flush-synced");
    }
  });
});

/** What the object does about a phase: the facts and the progress that the next inspection sees. */
type World = { readonly facts: RecoveryFacts; readonly progress: Progress };
type Perform = (name: Phase["name"], world: World) => World;

/** Inspects until the decision is no phase; each inspection may perform one. */
function recover(start: World, perform: Perform): readonly string[] {
  const trace: string[] = [];
  let world = start;
  for (let inspections = 0; inspections < 20; inspections++) {
    const decision = decideRecovery(world.facts, world.progress);
    if (decision.do !== "phase") return [...trace, decision.do];
    trace.push(decision.phase.name);
    world = perform(decision.phase.name, world);
  }
  return [...trace, "never ends"];
}

const next: Readonly<Record<Phase["name"], Progress>> = {
  "initial-sync": { at: "inspecting" },
  "ensure-open-tip": { at: "repaired" },
  "recover-tip": { at: "repaired" },
  flush: { at: "flushed", safeBlock: C },
  "post-flush-sync": { at: "post-flush-synced", safeBlock: C },
  cascade: { at: "repaired" },
};

/** Every phase does what it is for, and what is repaired is safe. */
const works: Perform = (name, { facts: seen }) => {
  const isRepair = name === "recover-tip" || name === "cascade" || name === "ensure-open-tip";
  return { facts: isRepair ? facts() : seen, progress: next[name] };
};

describe("[R1] one phase per inspection", () => {
  const closed: Danger = { kind: "closed-batch-in-danger", batchIndex: 7 };
  const start = (change: Partial<RecoveryFacts>): World => ({
    facts: facts(change),
    progress: { at: "need-initial-sync" },
  });
  const whole = ["initial-sync", "flush", "post-flush-sync", "cascade", "admit"];

  test.each([
    { what: "nothing is wrong", change: {}, trace: ["initial-sync", "admit"] },
    { what: "a closed batch is in danger", change: { danger: closed }, trace: whole },
    {
      what: "the open batch is in danger",
      change: { danger: { kind: "tip-in-danger", batchIndex: 8 } as const },
      trace: ["initial-sync", "recover-tip", "admit"],
    },
    {
      what: "no batch is open",
      change: { hasOpenTip: false },
      trace: ["initial-sync", "ensure-open-tip", "admit"],
    },
  ])("$what: $trace", ({ change, trace }) => {
    expect(recover(start(change), works)).toEqual(trace);
  });

  test("a divergence found by any phase stops before the next", () => {
    for (const [i, found] of whole.slice(0, -1).entries()) {
      const diverged = facts({ danger: { kind: "canonical-divergence", nonce: 4 } });
      const trace = recover(start({ danger: closed }), (name, world) => {
        const done = works(name, world);
        return name === found ? { ...done, facts: diverged } : done;
      });
      expect(trace).toEqual([...whole.slice(0, i + 1), "refuse"]);
    }
  });

  test("a sync that stays behind the flush does not cascade, and a head that is lost refuses", () => {
    const syncedTo = (safeBlock: RecoveryFacts["safeBlock"]) =>
      recover(start({ danger: closed }), (name, world) => {
        const done = works(name, world);
        return name === "post-flush-sync" ? { ...done, facts: { ...done.facts, safeBlock } } : done;
      });
    expect(syncedTo(blockNumber(C - 1))).toEqual([...whole.slice(0, 3), "retry"]);
    expect(syncedTo(null)).toEqual([...whole.slice(0, 3), "refuse"]);
  });

  test.each(dangers.filter(({ kind }) => kind !== "safe" && kind !== "canonical-divergence"))(
    "a repair after which $kind is reported does not admit",
    (danger) => {
      const trace = recover(start({ danger: closed }), (name, world) => {
        const done = works(name, world);
        return name === "cascade" ? { ...done, facts: facts({ danger }) } : done;
      });
      expect(trace).toEqual([...whole.slice(0, 4), "retry"]);
    },
  );

  test("a life that begins anew has no witness: it flushes again", () => {
    const reborn: World = { facts: facts({ danger: closed }), progress: inspecting };
    expect(recover(reborn, works)).toEqual(whole.slice(1));
  });
});
