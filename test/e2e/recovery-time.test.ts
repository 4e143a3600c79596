/** How long users wait: from the moment that danger is seen to the first op that is taken again. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { table } from "../../src/local/load/stats.ts";
import { restoreL1, swallowBatches } from "../support/l1-levers.ts";
import {
  blocksToDanger,
  expectVoid,
  health,
  type Outage,
  posted,
  startOutage,
  submit,
} from "../support/outage.ts";

/** As on Ethereum: blocks at a steady pace, and a safe head that trails by several. */
const BLOCK_TIME_S = 1;
const SAFE_DEPTH_BLOCKS = 8;
/** What recovery may take beyond the safe depth of its last no-op. */
const BLOCKS_MAX = 10;
const POLL_MS = 20;

let outage: Outage;

beforeAll(async () => {
  outage = await startOutage({ blockTimeS: BLOCK_TIME_S, slotsInEpoch: SAFE_DEPTH_BLOCKS });
});
afterAll(() => outage.stop());

/** Since when, in ms, the sequencer was in each state that health shows, until it serves again. */
async function watchRecovery(): Promise<ReadonlyMap<string, number>> {
  const since = new Map<string, number>();
  for (;;) {
    const { mode, recovery } = await health(outage);
    const state = recovery?.phase ?? mode;
    const isOver = since.size > 0 && mode === "serving";
    if ((isOver || mode === "recovering") && !since.has(state)) {
      since.set(state, performance.now());
    }
    if (isOver) return since;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

test("[R1, R2] from danger to service takes L1's safe depth and at most ten blocks", async () => {
  outage.proxy.fail(swallowBatches);
  const op = await submit(outage);
  await posted(outage, op);
  const watching = watchRecovery();
  await outage.stack.mine((await blocksToDanger(outage)) + 1);
  const since = await watching;
  restoreL1(outage);
  await expectVoid(outage, [op]);
  const times = [...since.values()];
  const phases = [...since.keys()];
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  const lasted = times.slice(1).map((ms, i) => ms - (times[i] ?? ms));
  const totalMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const rows = lasted.map((ms, i) => [phases[i] ?? "", seconds(ms)]);
  const head = `recovery, s, at ${BLOCK_TIME_S} s a block and safe depth ${SAFE_DEPTH_BLOCKS}`;
  console.log([head, table([...rows, ["total", seconds(totalMs)]])].join("\n"));
  expect(phases[0]).toBe("flush");
  expect(totalMs).toBeLessThanOrEqual((SAFE_DEPTH_BLOCKS + BLOCKS_MAX) * BLOCK_TIME_S * 1000);
  await submit(outage);
});
