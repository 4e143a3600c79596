/** A flush seen complete by one of the nodes behind an endpoint, while another one lags (R2, L1). */

import { expect, test } from "vitest";
import type { Chain } from "./support/chain.ts";
import { age, sealBatches, setClock, withShortDanger } from "./support/danger.ts";
import { GOES_ON, WAITS } from "./support/flush.ts";
import { count } from "./support/history.ts";
import { postOnce, recoverOnce, sync } from "./support/l1-rig.ts";
import type { Rig } from "./support/rig.ts";

/** A posted batch that was lost, is in danger, came back, landed and is at safe depth; not read yet. */
async function landedInDanger(rig: Rig, chain: Chain): Promise<void> {
  await sealBatches(rig, 1);
  await chain.fail([]);
  await postOnce(rig, chain);
  const sent = (await chain.requests()).find(({ method }) => method === "eth_sendRawTransaction");
  await chain.rpc("anvil_dropAllTransactions");
  await age(rig, chain);
  await chain.rpc("eth_sendRawTransaction", [sent?.params[0]]);
  await chain.mine(3);
  await setClock(rig, chain);
}

/** What a node answers whose safe block is still the one that was read last. */
async function safeBlockAsRead(rig: Rig, chain: Chain) {
  const { n } = rig.sql.exec<{ n: number }>("SELECT block_number AS n FROM l1_safe_head").one();
  return await chain.rpc("eth_getBlockByNumber", [`0x${n.toString(16)}`, false]);
}

test("[R2] a safe block from a node that lags does not stand for the nonces of one that does not", () =>
  withShortDanger(async (rig, chain) => {
    await landedInDanger(rig, chain);
    const result = await safeBlockAsRead(rig, chain);
    await chain.fail([
      { method: "eth_getBlockByNumber", param: "safe", fault: { kind: "result", result } },
    ]);
    const outcomes = [];
    for (let i = 0; i < 4; i++) outcomes.push(await recoverOnce(rig, chain));
    await chain.fail([]);
    await sync(rig, chain);
    expect([count(rig, "safe_accepted_batches"), count(rig, "canonical_divergence")]).toEqual([
      1, 0,
    ]);
    const behind = { ok: false, error: { reason: "behind", code: null } };
    expect(outcomes).toEqual([behind, behind, behind, behind]);
  }));

test("[R2] both from one node: the landing is read before anything is voided", () =>
  withShortDanger(async (rig, chain) => {
    await landedInDanger(rig, chain);
    expect(await recoverOnce(rig, chain)).toEqual(GOES_ON);
    expect(await recoverOnce(rig, chain)).toEqual(WAITS);
    await sync(rig, chain);
    for (let i = 0; i < 3; i++) await recoverOnce(rig, chain);
    // The open batch, as old, is voided; the one that L1 accepted stays.
    expect(count(rig, "batches WHERE invalidated_at_ms IS NOT NULL")).toBe(1);
    expect([count(rig, "safe_accepted_batches"), rig.service.derive()]).toEqual([1, "serving"]);
  }));
