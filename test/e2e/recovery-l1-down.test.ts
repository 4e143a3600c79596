/** L1 was out of reach, or stood still: what the sequencer still promises, and when it stops. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cutL1, restoreL1, sentSince, swallowBatches } from "../support/l1-levers.ts";
import {
  BLOCKS_INTO_DANGER,
  blocksToDanger,
  calm,
  expectGoesOn,
  expectRefused,
  expectVoid,
  health,
  type Outage,
  posted,
  refused,
  rollbacks,
  STALE_BLOCKS,
  serving,
  settled,
  startAgain,
  startOutage,
  submit,
} from "../support/outage.ts";
import { until } from "../support/product.ts";

let outage: Outage;

beforeAll(async () => {
  // Four seconds without news from L1 are too many.
  outage = await startOutage({
    vars: { SEQ_L1_READ_STALE_AFTER_BLOCKS: "4", SEQ_BATCH_LINGER_SECONDS: "0" },
  });
});
beforeEach(() => calm(outage));
afterAll(() => outage.stop());

/** Waits until the sequencer has asked L1 that often from now on. */
function asks(times: number) {
  const { requests } = outage.proxy;
  const before = requests.length;
  return until(
    () => Promise.resolve(requests.length),
    (count) => count >= before + times,
    10_000,
  );
}

/** What it does first when it is started with what it has stored. */
async function firstMode() {
  return (
    await until(
      () => health(outage),
      ({ mode }) => mode !== "starting",
      10_000,
    )
  ).mode;
}

describe("L1 out of reach", () => {
  test("[R3] for a moment recovers nothing", async () => {
    cutL1(outage);
    await asks(2);
    const op = await submit(outage);
    restoreL1(outage);
    expect((await settled(outage, op)).offset).toBe(op.offset);
    expect(await rollbacks(outage)).toEqual([]);
    await expectGoesOn(outage);
  });

  test("[R1] a sequencer that is started meanwhile serves from fresh facts", async () => {
    cutL1(outage);
    const before = await submit(outage);
    await startAgain(outage);
    expect(await firstMode()).toBe("serving");
    const meanwhile = await submit(outage);
    await asks(1);
    expect((await health(outage)).mode).toBe("serving");
    restoreL1(outage);
    for (const op of [before, meanwhile]) {
      expect((await settled(outage, op)).offset).toBe(op.offset);
    }
    expect(await rollbacks(outage)).toEqual([]);
    await expectGoesOn(outage);
  });

  test("[R3] for too long by the clock stops the promises, also after a start, and voids none", async () => {
    cutL1(outage);
    const op = await submit(outage);
    expect((await refused(outage)).refusal).toBe("l1-view-stale");
    await expectRefused(outage, "refused");
    await startAgain(outage);
    expect(await firstMode()).toBe("refused");
    await expectRefused(outage, "refused");
    restoreL1(outage);
    await serving(outage);
    expect((await settled(outage, op)).offset).toBe(op.offset);
    expect(await rollbacks(outage)).toEqual([]);
    await expectGoesOn(outage);
  });

  test("[R3] a safe head that stands still is no view either, live and at a start", async () => {
    await outage.stack.pauseBlocks();
    const op = await submit(outage);
    expect((await refused(outage)).refusal).toBe("l1-view-stale");
    await startAgain(outage);
    // It asks L1 again, is answered, and learns nothing.
    await asks(4);
    await refused(outage);
    await expectRefused(outage, "refused");
    outage.stack.resumeBlocks();
    await serving(outage);
    expect((await settled(outage, op)).offset).toBe(op.offset);
    expect(await rollbacks(outage)).toEqual([]);
    await expectGoesOn(outage);
  });

  test("[R3] close to danger refuses by estimate, and recovers when L1 shows it", async () => {
    outage.proxy.fail(swallowBatches);
    const op = await submit(outage);
    await posted(outage, op);
    await outage.stack.pauseBlocks();
    await serving(outage);
    await outage.stack.mine((await blocksToDanger(outage)) - 2);
    await until(
      () => blocksToDanger(outage),
      (left) => left === 2,
      10_000,
    );
    cutL1(outage);
    expect((await refused(outage)).refusal).toBe("estimated-batch-in-danger");
    expect((await rollbacks(outage)).filter(({ offset }) => offset > op.offset)).toEqual([]);
    outage.proxy.fail(swallowBatches);
    // The two that were missing, and as many as the safe head trails by.
    await outage.stack.mine(4);
    outage.stack.resumeBlocks();
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    await expectGoesOn(outage);
  });

  test("[R2] past the scheduler's patience cascades as soon as it is back, without a start", async () => {
    cutL1(outage);
    const op = await submit(outage);
    await outage.stack.mine(STALE_BLOCKS);
    restoreL1(outage);
    await serving(outage);
    await expectVoid(outage, [op]);
    await expectGoesOn(outage);
  });

  test("[L1] a node of another chain is not believed, and gets no transaction", async () => {
    const before = await rollbacks(outage);
    outage.proxy.fail(({ method }) =>
      method === "eth_chainId" ? { kind: "result", result: "0x1" } : null,
    );
    const op = await submit(outage);
    await refused(outage);
    await startAgain(outage);
    // It waits for a node of its own chain before it judges anything.
    await asks(2);
    await expectRefused(outage, "starting");
    expect(sentSince(outage)).toEqual([]);
    restoreL1(outage);
    await serving(outage);
    expect((await settled(outage, op)).offset).toBe(op.offset);
    expect(await rollbacks(outage)).toEqual(before);
    await expectGoesOn(outage);
  });
});

describe("both down, and the danger zone reached", () => {
  test("[R3] L1 first: refuses while L1 is away, then recovers by itself", async () => {
    cutL1(outage);
    const op = await submit(outage);
    await refused(outage);
    await outage.stack.killWorkerd();
    await outage.stack.mine(BLOCKS_INTO_DANGER);
    await outage.stack.startWorkerd();
    expect(await firstMode()).toBe("refused");
    // With an unusable view it still posts what may land in time; here nothing lands.
    outage.proxy.fail(swallowBatches);
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    await expectGoesOn(outage);
  });

  test("[R3] the sequencer first: refuses once its facts are old, then recovers by itself", async () => {
    outage.proxy.fail(swallowBatches);
    const op = await submit(outage);
    await outage.stack.killWorkerd();
    cutL1(outage);
    await outage.stack.mine(BLOCKS_INTO_DANGER);
    await outage.stack.startWorkerd();
    await refused(outage);
    await expectRefused(outage, "refused");
    expect((await rollbacks(outage)).filter(({ offset }) => offset > op.offset)).toEqual([]);
    outage.proxy.fail(swallowBatches);
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    await expectGoesOn(outage);
  });
});
