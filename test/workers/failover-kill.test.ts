/** A successor that dies while it takes over, and one whose reader is behind what it inherits (C6). */

import { expect, test } from "vitest";
import { FRAME_CLOCK_INTERVAL_SAFE_BLOCKS } from "../../src/core/types/protocol.ts";
import { transfer, user } from "./support/history.ts";
import { areLevel, type Pair, servePair, submit, type Which } from "./support/pair.ts";

/** Whichever of the two serves first. */
async function leaderOf(pair: Pair): Promise<Which> {
  const serving = async (): Promise<Which | null> =>
    (await pair.serves(0)) ? 0 : (await pair.serves(1)) ? 1 : null;
  await pair.tickUntil(async () => (await serving()) !== null);
  return (await serving()) ?? expect.unreachable("one serves");
}

const toSecond = async (pair: Pair): Promise<void> => {
  const to = { id: pair.ids[1], addr: `object:sequencer/${pair.ids[1]}` };
  await pair.conduct(0, { do: "transfer", to });
};

const modeOf = async (pair: Pair, which: Which) => (await pair.of(which).health()).mode;

test("[C6] a successor that dies on its way loses nothing that is certified", async () => {
  const pair = await servePair();
  const kept = await submit(pair, 0, transfer(0, 0), true);
  await pair.tickUntil(() => areLevel(pair));
  await toSecond(pair);
  await expect.poll(() => modeOf(pair, 1), { interval: 1, timeout: 15_000 }).not.toBe("following");
  await pair.revive(1);
  const leader = await leaderOf(pair);
  expect(await pair.of(leader).transaction(user(0), 0)).toMatchObject({
    value: { state: "certified", offset: kept.offset, voided: null },
  });
  const next = await submit(pair, leader, transfer(0, 1), true);
  expect(await pair.verify(next.receipt)).toMatchObject({ value: { tier: "certified" } });
  expect(await pair.verify(kept.receipt)).toMatchObject({ value: { tier: "certified" } });
  await pair.tickUntil(() => areLevel(pair));
});

test("[C6] a successor serves when its own reader has come to what it inherits, and not before", async () => {
  const pair = await servePair();
  await pair.crash(1);
  await pair.chain.deposit(user(0), 7n);
  await pair.chain.mine(FRAME_CLOCK_INTERVAL_SAFE_BLOCKS + 2);
  const head = async (which: Which) => (await pair.of(which).health()).feed_head ?? 0;
  await pair.tickUntil(async () => (await head(0)) === 5);
  const kept = await submit(pair, 0, transfer(0, 0), true);
  await pair.chain.fail([{ method: "eth_getLogs", fault: { kind: "disconnect" } }]);
  await pair.revive(1);
  await toSecond(pair);
  await pair.tickUntil(async () => (await pair.of(1).leadership())?.epoch === 1);
  // Elected, and its record is certified; a death changes nothing about what it lacks.
  await pair.revive(1);
  let ticks = 0;
  await pair.tickUntil(() => ++ticks > 20);
  expect(await modeOf(pair, 1)).toBe("starting");
  expect(await pair.of(1).submit(transfer(0, 1))).toMatchObject({ error: { status: 503 } });
  await pair.chain.fail([]);
  await pair.tickUntil(() => pair.serves(1));
  expect(await pair.of(1).transaction(user(0), 0)).toMatchObject({
    value: { state: "certified", offset: kept.offset },
  });
  const next = await submit(pair, 1, transfer(0, 1), true);
  // The rollback that opens the epoch comes first.
  expect(next.offset).toBe(kept.offset + 2 ** 20 + 1);
});
