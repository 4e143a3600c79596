/**
 * The promise clock: how long L1 may take the oldest unsettled batch before its promise is in danger (R3).
 *
 * Sixty ticks are the whole time that a batch has; those that are lit are left.
 */

import type { OverviewBody } from "../../../core/api/overview.ts";
import { type Child, h, type Tree } from "../tree.ts";
import { count, duration } from "../words.ts";
import { facts, figure, figureAttributes, note } from "./parts.ts";

const TICKS = 60;
/** Of the time that a batch has. */
const SOON = 0.25;

export function promiseClock(overview: OverviewBody): readonly Child[] {
  const { health, pipeline, danger_blocks, seconds_per_block } = overview;
  const left = health.blocks_to_danger;
  if (left === null) return [note("No batch is open yet.")];
  const isWaiting = pipeline !== null && pipeline.settled < pipeline.ordered;
  return [
    h(
      "div",
      { class: "promise" },
      dial(left, danger_blocks, seconds_per_block),
      h(
        "div",
        {},
        h("p", {}, sentence(left, isWaiting)),
        facts(
          [
            "Unposted batches",
            figure(
              "health.unposted_batches",
              health.unposted_batches,
              count(health.unposted_batches),
            ),
          ],
          [
            "Oldest of them",
            figure(
              "health.oldest_unposted_age_s",
              health.oldest_unposted_age_s,
              duration(health.oldest_unposted_age_s),
            ),
          ],
          [
            "A batch has",
            [
              figure("danger_blocks", danger_blocks, `${count(danger_blocks)} blocks`),
              " of ",
              figure("seconds_per_block", seconds_per_block, `${seconds_per_block} s`),
            ],
          ],
        ),
      ),
    ),
  ];
}

function sentence(left: number, isWaiting: boolean): string {
  if (left === 0) return "The promise is in danger: the sequencer stops and recovers what it can.";
  if (!isWaiting) return "Nothing waits to be settled. The clock is that of the open batch.";
  return "Until then L1 must have the oldest unsettled operation, or the sequencer stops and recovers.";
}

function dial(left: number, whole: number, secondsPerBlock: number): Tree {
  const share = whole === 0 ? 0 : Math.min(1, left / whole);
  const tone = left === 0 ? "bad" : share <= SOON ? "wait" : "good";
  const time = duration(left * secondsPerBlock);
  const lit = Math.ceil(share * TICKS);
  return h(
    "svg",
    {
      class: `dial dial-${tone}`,
      viewBox: "0 0 200 200",
      role: "img",
      "aria-label": `${left} blocks, about ${time}, until the oldest unsettled operation is in danger`,
    },
    Array.from({ length: TICKS }, (_, i) => tick(i, i < lit)),
    h("text", { class: "dial-time", x: 100, y: 103, "text-anchor": "middle" }, time),
    h(
      "text",
      {
        ...figureAttributes("health.blocks_to_danger", left),
        x: 100,
        y: 128,
        "text-anchor": "middle",
      },
      `${count(left)} blocks`,
    ),
  );
}

/** The first stands at twelve; they go out from the last one on. */
function tick(at: number, isLit: boolean): Tree {
  const angle = (at * 360) / TICKS;
  const inner = at % 5 === 0 ? 14 : 20;
  return h("line", {
    class: isLit ? "tick tick-lit" : "tick",
    x1: 100,
    y1: 6,
    x2: 100,
    y2: 6 + 34 - inner,
    transform: `rotate(${angle} 100 100)`,
  });
}
