/** Recovery decides on an L1 that is read to its safe head, not on the part of it that a slice holds (R1, L1). */

import { expect, test } from "vitest";
import { Duties } from "../../src/durable-objects/sequencer/duties.ts";
import { requireHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import { loadSafeHead } from "../../src/durable-objects/sequencer/storage/l1-inputs.ts";
import type { L1 } from "../../src/l1/l1.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import type { Chain } from "./support/chain.ts";
import { DANGER_BLOCKS, pass, sealBatches, setClock, withShortDanger } from "./support/danger.ts";
import { count, submitMany, user } from "./support/history.ts";
import { connect, postOnce } from "./support/l1-rig.ts";
import type { Rig } from "./support/rig.ts";

const storedBlock = (rig: Rig) => loadSafeHead(rig.sql)?.blockNumber ?? expect.unreachable();

/** Ticks whose first slice of inputs ends at `cut`, where its budget runs out. */
function dutiesCutAt(rig: Rig, chain: Chain, cut: number): Duties {
  const real = connect(chain);
  const l1: L1 = {
    ...real,
    inputs: (query) => {
      const to = query.from <= cut && cut < query.to ? query.from + (cut - query.from) : query.to;
      return real.inputs({ ...query, to: to as typeof query.to });
    },
  };
  const runtime = { ...rig.runtime, connect: () => l1 };
  const submitter = createSubmitter(rig.runtime.config.secrets.submitterKey);
  return new Duties({ ...rig, runtime, submitter });
}

test("[R1] a batch that looks late in half of what L1 holds, and landed in the rest, voids nothing", () =>
  withShortDanger(async (rig, chain) => {
    const first = storedBlock(rig);
    await sealBatches(rig, 1);
    await pass(rig, chain, 60);
    await sealBatches(rig, 1);
    // Both are posted and held back by a mempool; behind them a young batch is closed, another one open.
    await chain.fail([]);
    await postOnce(rig, chain);
    const sent = (await chain.requests()).filter((one) => one.method === "eth_sendRawTransaction");
    await chain.rpc("anvil_dropAllTransactions");
    await sealBatches(rig, 1);
    await submitMany(rig, 0, rig.live().state.nextNonce(user(0)), 1);
    await chain.mine(DANGER_BLOCKS - 50);
    for (const { params } of sent) await chain.rpc("eth_sendRawTransaction", params);
    await chain.mine(3);
    await setClock(rig, chain);
    const duties = dutiesCutAt(rig, chain, first + DANGER_BLOCKS + 1);
    await duties.tick();
    expect([storedBlock(rig) - first, count(rig, "safe_accepted_batches")]).toEqual([
      DANGER_BLOCKS + 1,
      0,
    ]);
    for (let i = 0; i < 5; i++) {
      rig.nowMs += 20;
      await duties.tick();
    }
    expect([count(rig, "safe_accepted_batches"), requireHistory(rig.sql).generation]).toEqual([
      2, 0,
    ]);
    expect(rig.service.derive()).toBe("serving");
  }));
