/** Where a rollback begins: what goes at any age, what goes by its age, and both sides of the limit. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DangerTiming, decideDanger } from "../../src/core/recovery/danger.ts";
import { decidePivot } from "../../src/core/recovery/pivot.ts";
import { blockNumber, unixMs } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";

const SAFE_BLOCK = 10_000;
const timing: DangerTiming = { secondsPerBlock: 12, dangerBlocks: 900, readStaleAfterBlocks: 600 };

const aged = (batchIndex: number, blocks: number) => ({
  batchIndex,
  firstFrameSafeBlock: blockNumber(SAFE_BLOCK - blocks),
});
type Ages = { readonly closed: number | null; readonly tip: number | null };
const facts = ({ closed, tip }: Ages) => ({
  safeBlock: blockNumber(SAFE_BLOCK),
  oldestClosed: closed === null ? null : aged(7, closed),
  tip: tip === null ? null : aged(8, tip),
});

describe("[R2] a cascade", () => {
  test.each([
    { what: "a closed batch of any age goes", ages: { closed: 0, tip: 0 }, pivot: 7 },
    { what: "also below danger", ages: { closed: 899, tip: 0 }, pivot: 7 },
    { what: "also in danger", ages: { closed: 900, tip: 0 }, pivot: 7 },
    { what: "also long past MAX_WAIT", ages: { closed: 5_000, tip: 0 }, pivot: 7 },
    { what: "it goes before an open one in danger", ages: { closed: 1, tip: 900 }, pivot: 7 },
    { what: "it goes without an open one", ages: { closed: 0, tip: null }, pivot: 7 },
    { what: "an open batch below danger stays", ages: { closed: null, tip: 899 }, pivot: null },
    { what: "an open batch in danger goes", ages: { closed: null, tip: 900 }, pivot: 8 },
    { what: "an open batch past danger goes", ages: { closed: null, tip: 901 }, pivot: 8 },
    { what: "a clock ahead of the head is no age", ages: { closed: null, tip: -50 }, pivot: null },
    { what: "without batches nothing goes", ages: { closed: null, tip: null }, pivot: null },
  ])("$what", ({ ages, pivot }) => {
    expect(decidePivot("cascade", facts(ages), timing)).toBe(pivot);
  });
});

describe("[R1] [N4] a recovery of the open batch alone", () => {
  test.each([
    { what: "below danger it stays", ages: { closed: null, tip: 899 }, pivot: null },
    { what: "in danger it goes", ages: { closed: null, tip: 900 }, pivot: 8 },
    { what: "no open batch, nothing goes", ages: { closed: null, tip: null }, pivot: null },
    // It would need a flush, which this repair does not wait for.
    { what: "beside a closed batch nothing goes", ages: { closed: 0, tip: 900 }, pivot: null },
    { what: "not even beside a late one", ages: { closed: 1_300, tip: 900 }, pivot: null },
  ])("$what", ({ ages, pivot }) => {
    expect(decidePivot("recover-tip", facts(ages), timing)).toBe(pivot);
  });

  test("a threshold of its own decides, not a constant", () => {
    const at = (dangerBlocks: number) =>
      decidePivot("recover-tip", facts({ closed: null, tip: 100 }), { dangerBlocks });
    expect(at(101)).toBeNull();
    expect(at(100)).toBe(8);
  });
});

describe("[R3] danger and pivot agree", () => {
  const age = fc.option(fc.nat(1_500));
  const nowMs = unixMs(1_800_000_000_000);

  function dangerOf(ages: Ages) {
    const clock = { nowMs, lastProgressMs: nowMs, safeBlockTimestampS: nowMs / 1_000 };
    return decideDanger({ ...facts(ages), ...clock, divergedAtNonce: null }, timing);
  }

  test("the batch that raises the alarm is the first that goes", () => {
    fc.assert(
      fc.property(age, age, (closed, tip) => {
        // Clocks do not go back along the batches, so an open batch is never the older one (N3).
        fc.pre(closed === null || tip === null || tip <= closed);
        const danger = dangerOf({ closed, tip });
        const repair = danger.kind === "tip-in-danger" ? "recover-tip" : "cascade";
        const pivot = decidePivot(repair, facts({ closed, tip }), timing);
        if (danger.kind === "closed-batch-in-danger" || danger.kind === "tip-in-danger") {
          expect(pivot).toBe(danger.batchIndex);
        } else {
          expect(danger.kind).toBe("safe");
          expect(pivot).toBe(closed === null ? null : 7);
        }
      }),
      { numRuns: size(500, 20_000) },
    );
  });
});
