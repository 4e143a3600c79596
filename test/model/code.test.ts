/**
 * The code between a hostile L1 and the object: no reachable state is bad, and a missing thought is found.
 *
 * Bounds are batches, slots and steps of the safe head, in this order, and every search is exhaustive
 * within them. Its size is printed: it says what "no violation" is worth.
 */

import { describe, expect, test } from "vitest";
import {
  decideRecovery,
  type RecoveryDecision,
  type RecoveryFacts,
} from "../../src/core/recovery/controller.ts";
import { decideFlush } from "../../src/core/recovery/flush.ts";
import { decideAcceptance } from "../../src/core/scheduler/acceptance.ts";
import { decideSubmission } from "../../src/core/submission/decide.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { isLong } from "../support/size.ts";
import { code } from "./code.ts";
import { type Config, type Decisions, REAL } from "./code-config.ts";
import { bitOf, type CodeState, NO_OP } from "./code-state.ts";
import { describeViolation, explore } from "./explorer.ts";
import { stepsToService } from "./willing.ts";

type Tuple = readonly [batches: number, slots: number, steps: number];
type Options = Partial<Omit<Config, "bounds">>;

function configOf([batchesMax, slotsMax, safeHeadMax]: Tuple, options: Options): Config {
  return {
    decisions: REAL,
    hasReorgs: false,
    hasSleepers: false,
    stopsPosting: true,
    assertsWitness: true,
    ...options,
    bounds: { batchesMax, slotsMax, safeHeadMax },
  };
}

const show = (state: CodeState): string => JSON.stringify(state);

describe("[R2] the code itself, against any L1", () => {
  const cases: readonly { what: string; ci: Tuple; long: Tuple; options: Options }[] = [
    { what: "ticks and L1 in any order", ci: [3, 3, 5], long: [4, 4, 6], options: {} },
    {
      what: "ticks that sleep through anything",
      ci: [3, 2, 5],
      long: [4, 3, 6],
      options: { hasSleepers: true },
    },
    {
      what: "reorganisations above the safe head",
      ci: [3, 2, 5],
      long: [3, 3, 6],
      options: { hasReorgs: true },
    },
    {
      what: "both",
      ci: [2, 2, 5],
      long: [3, 2, 6],
      options: { hasSleepers: true, hasReorgs: true },
    },
    ...(isLong
      ? [{ what: "five batches", ci: [3, 3, 5], long: [5, 3, 6], options: {} } as const]
      : []),
  ];
  test.each(cases)("no violation: $what", ({ what, ci, long, options }) => {
    const bounds = isLong ? long : ci;
    const { violation, isComplete, ...counts } = explore(code(configOf(bounds, options)));
    process.stdout.write(`${what} (${bounds.join(", ")}): ${JSON.stringify(counts)}\n`);
    expect(describeViolation(violation, show)).toBe("no violation");
    expect(isComplete).toBe(true);
    expect(counts.distinct).toBeGreaterThan(isLong ? 400_000 : 5_000);
  });
});

/** Decisions with one thought missing. */
const without = (change: Partial<Decisions>): Options => ({ decisions: { ...REAL, ...change } });

/** A cascade on the head as it is. */
function cascadeAt(facts: RecoveryFacts): RecoveryDecision {
  return { do: "phase", phase: { name: "cascade", safeBlock: facts.safeBlock ?? blockNumber(0) } };
}

const noFlush = without({
  recovery: (facts, progress) =>
    progress.at === "inspecting" && facts.danger.kind === "closed-batch-in-danger"
      ? cascadeAt(facts)
      : decideRecovery(facts, progress),
});
const noSync = without({
  recovery: (facts, progress) =>
    progress.at === "flushed" ? cascadeAt(facts) : decideRecovery(facts, progress),
});
const noWatermark = without({ flush: (facts) => decideFlush({ ...facts, watermark: null }) });
const noDepth = without({
  flush: (facts) => decideFlush({ ...facts, safeNonce: facts.latestNonce }),
});
const noStop = { stopsPosting: false };

const BOUNDS: Tuple = [3, 2, 5];
const ACCEPTED_IS_VOID = "accepted batch 0 is void";
const TOO_EARLY = "a cascade before every slot is consumed and read";

describe("[R2] a missing thought is found", () => {
  test.each<{ what: string; mutant: Options; seen: number; felt: number }>([
    { what: "a cascade without a flush", mutant: noFlush, seen: 9, felt: 11 },
    { what: "a cascade before the head that saw the flush", mutant: noSync, seen: 12, felt: 12 },
    {
      what: "a flush that trusts what the node remembers",
      mutant: noWatermark,
      seen: 11,
      felt: 13,
    },
    { what: "a flush that takes mined for settled", mutant: noDepth, seen: 12, felt: 13 },
    { what: "posting that goes on after the flush", mutant: noStop, seen: 11, felt: 13 },
  ])("$what: at depth $seen a cascade is too early, at $felt L1 differs", (expected) => {
    const { mutant, seen, felt } = expected;
    const early = explore(code(configOf(BOUNDS, mutant)));
    expect(early.violation?.invariant).toBe(TOO_EARLY);
    expect(early.depth).toBe(seen);
    const late = explore(code(configOf(BOUNDS, { ...mutant, assertsWitness: false })));
    expect(late.violation?.invariant).toBe(ACCEPTED_IS_VOID);
    expect(late.depth).toBe(felt);
    expect(late.violation?.trace.at(-1)?.action).toMatch(/^cascade/);
  });

  test("the shortest way by which a forgotten transaction breaks a flush that trusts the node", () => {
    const options = { ...noWatermark, assertsWitness: false };
    const { violation } = explore(code(configOf(BOUNDS, options)));
    expect(violation?.trace.slice(1).map(({ action }) => action)).toEqual([
      "safe head 1, 0 landings settle",
      "safe head 2, 0 landings settle",
      "safe head 3, 0 landings settle",
      "batch 0 seals",
      "reads to step 3",
      "starts",
      "posts batch 0 to slot 0",
      "flush is done",
      "batch 0 lands in slot 0",
      "safe head 4, 1 landings settle",
      "sees the flush",
      "cascade from batch 0",
    ]);
  });

  test.each<{ what: string; mutant: Options; breaks: string }>([
    {
      what: "[N14] a watermark that stays behind",
      mutant: without({
        submission: (facts) => ({ ...decideSubmission(facts), walletNonceMax: null }),
      }),
      breaks: "slot 0 is used above the watermark",
    },
    {
      what: "[N9] a pivot that is too old",
      mutant: without({ pivot: () => 0 }),
      breaks: ACCEPTED_IS_VOID,
    },
    {
      what: "[N16] a pivot beyond every batch",
      mutant: without({ pivot: () => 9 }),
      breaks: "N16: nonces follow each other",
    },
    {
      what: "[S2] an acceptance that does not ask for the age",
      mutant: without({
        acceptance: (expected, landing, submitter) =>
          decideAcceptance(expected, { ...landing, blockNumber: blockNumber(0) }, submitter),
      }),
      breaks: "R4: the frontier is what L1 accepted",
    },
  ])("$what", ({ mutant, breaks }) => {
    const found = explore(code(configOf(BOUNDS, mutant)));
    expect(found.violation?.invariant).toBe(breaks);
  });
});

/** Each is reached, or a search without violations would say little. */
const SIGHTS: Readonly<Record<string, (state: CodeState) => boolean>> = {
  "a batch is accepted after a rollback": ({ batches }) =>
    batches.some(({ isAccepted }, i) => isAccepted && batches[i - 1]?.is === "void"),
  "what is accepted survives a rollback behind it": ({ batches }) =>
    batches.some(({ isAccepted }, i) => isAccepted && batches[i + 1]?.is === "void"),
  "two batches compete for a slot": ({ slots }) =>
    slots.some(({ rivals }) => (rivals & (rivals - 1)) !== 0),
  "a no-op replaces a batch": ({ slots }) =>
    slots.some(({ rivals, newest }) => newest === NO_OP && rivals !== bitOf(NO_OP)),
  "a slot is under the watermark, and nothing was ever sent to it": ({ slots }) =>
    slots.some(({ rivals }) => rivals === 0),
  "a batch lands too late": ({ unread, batches }) =>
    unread.some(({ payload, step }) => (step ?? 0) - (batches[payload]?.clock ?? 0) >= 4),
  "a batch lands before its turn": ({ unread, batches, expected }) =>
    unread.some(({ payload, step }) => step !== null && (batches[payload]?.nonce ?? 0) > expected),
  "a batch lands twice": ({ unread, batches }) =>
    unread.some(({ payload, step }) => step === null && batches[payload]?.isAccepted === true),
  "the object knows less than L1": ({ frontier, expected }) => frontier < expected,
  "recovery is over and the next danger is there": ({ batches, storedHead }) =>
    batches.some(({ is, clock }) => is !== "void" && clock >= 3 && storedHead - clock >= 3),
};

test("[R2] the search gets everywhere that matters", () => {
  const unseen = new Map(Object.entries(SIGHTS));
  const machine = code(configOf([3, 2, 6], { hasReorgs: true }));
  explore({
    ...machine,
    broken(state) {
      for (const [what, isSeen] of unseen) if (isSeen(state)) unseen.delete(what);
      return machine.broken(state);
    },
  });
  expect([...unseen.keys()]).toEqual([]);
});

describe("[R1] no state is a dead end", () => {
  test("from each, a willing L1 leads back to service", () => {
    const bounds: Tuple = isLong ? [3, 3, 5] : [3, 2, 4];
    const machine = code(configOf(bounds, {}));
    const roomy = configOf([10, 12, 60], {});
    const unbound = code(roomy);
    let reached = 0;
    let longest = 0;
    const lost: string[] = [];
    explore({
      ...machine,
      broken(state) {
        const steps = stepsToService(unbound, roomy, state);
        if (steps === null) lost.push(show(state));
        reached++;
        longest = Math.max(longest, steps ?? 0);
        return machine.broken(state);
      },
    });
    process.stdout.write(`${reached} states, at most ${longest} actions from service\n`);
    expect(lost).toEqual([]);
    expect(longest).toBeLessThan(20);
  });
});
