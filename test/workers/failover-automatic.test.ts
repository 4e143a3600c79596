/** A leader that falls silent is replaced, and what it knew alone is forgotten (C6, C8). */

import { expect, test } from "vitest";
import { transfer, user } from "./support/history.ts";
import { areLevel, servePair, submit } from "./support/pair.ts";

test("[C8] a leader that is stopped is replaced by itself; the stop outlives a restart", async () => {
  const pair = await servePair();
  await submit(pair, 0, transfer(0, 0), true);
  await pair.tickUntil(() => areLevel(pair));
  const stoppedMs = Date.now();
  await pair.conduct(0, { do: "stop" });
  expect(await pair.of(0).submit(transfer(0, 1))).toMatchObject({ error: { status: 503 } });
  await pair.tickUntil(() => pair.serves(1));
  const downMs = Date.now() - stoppedMs;
  console.log(`unplanned failover took ${downMs} ms`);
  expect(downMs).toBeLessThan(15_000);
  await submit(pair, 1, transfer(0, 1), true);
  await pair.revive(0);
  expect(await pair.of(0).conductorState()).toMatchObject({ isStopped: true, isHealthy: false });
  expect(await pair.of(0).conductorCommand({ do: "transfer", to: null })).toEqual({
    ok: false,
    error: "stopped",
  });
  await pair.conduct(0, { do: "resume" });
  await pair.tickUntil(() => areLevel(pair));
  const state = await pair.of(0).conductorState();
  expect(state).toMatchObject({ isLeader: false, isStopped: false, isHealthy: true });
  expect(state?.leader.id).toBe(pair.ids[1]);
  await pair.transfer(0);
  await submit(pair, 0, transfer(0, 2), true);
});

test("[C8] a leader that is paused takes no ops, keeps its epoch, and is no successor", async () => {
  const pair = await servePair();
  await pair.conduct(0, { do: "pause" });
  expect(await pair.of(0).submit(transfer(0, 0))).toMatchObject({
    error: { message: "sequencer draining" },
  });
  await pair.revive(0);
  await pair.tickUntil(async () => (await pair.of(0).conductorState())?.isLeader === true);
  expect(await pair.of(0).conductorState()).toMatchObject({ isLeader: true, isPaused: true });
  expect(await pair.of(0).health()).toMatchObject({ mode: "draining" });
  await pair.conduct(0, { do: "resume" });
  await submit(pair, 0, transfer(0, 0), true);
});

test("[C6] a stale leader forgets its uncertified tail and follows", async () => {
  const pair = await servePair();
  await submit(pair, 0, transfer(0, 0), true);
  await pair.tickUntil(() => areLevel(pair));
  await pair.silence(0, 1, 2, 3);
  const lost = await submit(pair, 0, transfer(0, 1));
  expect(lost.receipt?.tier).toBe("ordered");
  await pair.crash(0);
  await pair.wake(0, 1, 2, 3);
  await pair.tickUntil(() => pair.serves(1));
  const missing = { ok: false, error: { code: "NOT_FOUND" } };
  expect(await pair.of(1).transaction(user(0), 1)).toMatchObject(missing);
  const again = await submit(pair, 1, transfer(0, 1), true);
  expect(again.offset).toBeGreaterThan(lost.offset + 2 ** 19);
  await pair.revive(0);
  await pair.tickUntil(() => areLevel(pair));
  expect(await pair.of(0).transaction(user(0), 1)).toMatchObject({
    value: { state: "certified", offset: again.offset },
  });
  const pages = await Promise.all(
    ([0, 1] as const).map((which) =>
      pair.of(which).feedPage({ fromOffset: 0, limit: 100, era: null }),
    ),
  );
  expect(pages[0]).toEqual(pages[1]);
  // What it said is proof of what it broke: the receipt names an offset that the opening voids.
  expect(await pair.verify(lost.receipt)).toMatchObject({ value: { tier: "ordered" } });
  await pair.transfer(0);
  await submit(pair, 0, transfer(0, 2), true);
});

test("[C6] a candidate with an empty log rebuilds it from the validators and leads", async () => {
  const pair = await servePair();
  await pair.crash(1);
  for (let nonce = 0; nonce < 40; nonce++) await submit(pair, 0, transfer(0, nonce), nonce === 39);
  await pair.revive(1);
  expect(await pair.of(1).health()).toMatchObject({ mode: "following", feed_head: null });
  await pair.transfer(1);
  expect(await pair.of(1).transaction(user(0), 39)).toMatchObject({
    value: { state: "certified", voided: null },
  });
  await submit(pair, 1, transfer(0, 40), true);
});
