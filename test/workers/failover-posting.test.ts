/** What a new leader owes L1: inherited batches, byte for byte, and recovery when they are late (C7, R2). */

import { expect, test } from "vitest";
import { toHex } from "../../src/core/types/hex.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { loadWireBatch } from "../../src/durable-objects/sequencer/storage/inclusion.ts";
import { DANGER_BLOCKS, SHORT } from "./support/danger.ts";
import { transfer, user } from "./support/history.ts";
import { areLevel, type Pair, servePair, submit, type Which } from "./support/pair.ts";

const QUICK = { SEQ_BATCH_LINGER_SECONDS: "1", SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "50" };

const sealed = (pair: Pair, which: Which): Promise<readonly string[]> =>
  pair.sql(which, (sql) =>
    sql
      .exec<{ batch_index: number }>("SELECT batch_index FROM valid_closed_batches ORDER BY nonce")
      .toArray()
      .map((row) => toHex(encodeBatch(loadWireBatch(sql, row.batch_index)))),
  );

const isSettled = async (pair: Pair, which: Which, nonce: number): Promise<boolean> => {
  const found = await pair.of(which).transaction(user(0), nonce);
  return found.ok && found.value.state === "settled";
};

/** Own transactions that the chain holds, oldest first. */
async function sentData(pair: Pair): Promise<readonly string[]> {
  const requests = await pair.chain.requests();
  return requests
    .filter(({ method }) => method === "eth_sendRawTransaction")
    .map(({ params }) => String((params as readonly unknown[])[0]));
}

test("[C7] a successor posts inherited batches byte for byte", async () => {
  const pair = await servePair(QUICK);
  await pair.chain.fail([{ method: "eth_sendRawTransaction", fault: { kind: "disconnect" } }]);
  for (let nonce = 0; nonce < 3; nonce++) {
    await submit(pair, 0, transfer(0, nonce), true);
    await pair.tickUntil(async () => (await sealed(pair, 0)).length > nonce);
  }
  await pair.tickUntil(() => areLevel(pair));
  const batches = await sealed(pair, 0);
  expect(await sealed(pair, 1)).toEqual(batches);
  await pair.transfer(1);
  await pair.chain.fail([]);
  await pair.tickUntil(() => isSettledAfterMining(pair, 1, 2));
  const raw = (await sentData(pair)).join();
  for (const batch of batches) expect(raw).toContain(batch.slice(2));
  // The old leader reads them as its own.
  await pair.tickUntil(() => isSettled(pair, 0, 2));
  expect((await pair.of(0).health()).refusal).toBeNull();
});

async function isSettledAfterMining(pair: Pair, which: Which, nonce: number): Promise<boolean> {
  await pair.chain.mine(1);
  return await isSettled(pair, which, nonce);
}

test("[C6, C7] what the old leader has in the mempool lands once, whoever leads", async () => {
  const pair = await servePair(QUICK);
  await pair.chain.rpc("evm_setAutomine", [false]);
  await submit(pair, 0, transfer(0, 0), true);
  await pair.tickUntil(async () => {
    const found = await pair.of(0).transaction(user(0), 0);
    return found.ok && found.value.state === "posted";
  });
  await pair.transfer(1);
  await submit(pair, 1, transfer(0, 1), true);
  await pair.chain.rpc("evm_setAutomine", [true]);
  await pair.tickUntil(() => isSettledAfterMining(pair, 1, 1));
  expect(await isSettled(pair, 1, 0)).toBe(true);
  expect((await pair.of(1).health()).mode).toBe("serving");
});

test("[C6, R2] danger after a transfer: the new leader recovers, and the others follow it", async () => {
  const pair = await servePair(SHORT);
  await submit(pair, 0, transfer(0, 0), true);
  await pair.transfer(1);
  const before = (await pair.of(1).health()).generation ?? 0;
  await submit(pair, 1, transfer(0, 1), true);
  await pair.chain.mine(DANGER_BLOCKS + 2);
  await pair.tickUntil(async () => ((await pair.of(1).health()).generation ?? 0) > before);
  await pair.tickUntil(() => pair.serves(1));
  for (const which of [1, 0] as const) {
    await pair.tickUntil(() => areLevel(pair));
    expect(await pair.of(which).transaction(user(0), 1)).toMatchObject({
      value: { state: "voided", voided: { generation: before + 1 } },
    });
  }
  await submit(pair, 1, transfer(0, 0), true);
});
