/** Danger on a real chain: batches that were posted, forgotten by the node, and are late by now. */

import type { Chain } from "./chain.ts";
import { closeBatch, submitMany, user } from "./history.ts";
import { postOnce, sync, withChain } from "./l1-rig.ts";
import type { Rig } from "./rig.ts";

/** A batch is in danger after 100 blocks, and closes after at most 30. */
export const SHORT: Readonly<Record<string, string>> = {
  SEQ_PREEMPTIVE_MARGIN_BLOCKS: "1100",
  SEQ_L1_READ_STALE_AFTER_BLOCKS: "99",
  SEQ_MAX_BATCH_OPEN_SECONDS: "30",
  SEQ_BATCH_LINGER_SECONDS: "30",
};
export const DANGER_BLOCKS = 100;

/** A founded rig in which `SHORT` holds; the node mines only when it is told. */
export function withShortDanger(
  test: (rig: Rig, chain: Chain) => Promise<void>,
  vars: Readonly<Record<string, string>> = {},
): Promise<void> {
  return withChain(
    async (rig, chain) => {
      await chain.rpc("evm_setAutomine", [false]);
      await test(rig, chain);
    },
    { ...SHORT, ...vars },
  );
}

export async function sealBatches(rig: Rig, batches: number): Promise<void> {
  for (let i = 0; i < batches; i++) {
    await submitMany(rig, 0, rig.live().state.nextNonce(user(0)), 1);
    closeBatch(rig);
  }
}

/** Posts what is closed; the node takes it and forgets it. */
export async function postAndForget(rig: Rig, chain: Chain): Promise<void> {
  await postOnce(rig, chain);
  await chain.rpc("anvil_dropAllTransactions");
}

/** Mines, reads, and sets the rig's clock to the chain's. */
export async function pass(rig: Rig, chain: Chain, blocks: number): Promise<void> {
  await chain.mine(blocks);
  await setClock(rig, chain);
  await sync(rig, chain);
}

/** The open and the closed batches become older than danger. */
export function age(rig: Rig, chain: Chain): Promise<void> {
  return pass(rig, chain, DANGER_BLOCKS + 2);
}

export async function setClock(rig: Rig, chain: Chain): Promise<void> {
  const latest = (await chain.rpc("eth_getBlockByNumber", ["latest", false])) as {
    timestamp: string;
  };
  rig.nowMs = Number(latest.timestamp) * 1000;
}
