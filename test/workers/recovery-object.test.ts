/** A whole object on a real L1 that falls into danger, as its clients, readers and operators see it. */

import { describe, expect, test } from "vitest";
import type { HealthBody } from "../../src/core/api/sequencer-api.ts";
import { DANGER_BLOCKS, SHORT } from "./support/danger.ts";
import { transfer, user } from "./support/history.ts";
import { read } from "./support/reader.ts";
import { type Serving, serve } from "./support/serving.ts";

const EAGER = {
  ...SHORT,
  SEQ_BATCH_LINGER_SECONDS: "0",
  SEQ_SNAPSHOT_SECONDS: "1",
  SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "50",
};

async function stateOf({ object }: Serving, nonce: number): Promise<unknown> {
  const answer = await object.transaction(user(0), nonce);
  return answer.ok ? [answer.value.state, answer.value.voided] : answer.error.code;
}

/** The no-ops of the flush are on their way. */
const isFlushing = ({ recovery }: HealthBody) => (recovery?.flush_to ?? null) !== null;

/** An op whose batch was sent to a node that forgot it; by now it is late. */
async function becomeLate(serving: Serving): Promise<void> {
  const { object, chain } = serving;
  await chain.rpc("evm_setAutomine", [false]);
  expect(await object.submit(transfer(0, 0))).toMatchObject({ ok: true, value: { offset: 5 } });
  await serving.tickUntil(async () => {
    const answer = await object.transaction(user(0), 0);
    return answer.ok && answer.value.state === "posted";
  });
  await chain.rpc("anvil_dropAllTransactions");
  await chain.mine(DANGER_BLOCKS + 2);
  await serving.tickUntil(async () => (await object.health()).mode === "recovering");
}

describe("[R1] an object in danger", () => {
  test("refuses ops, flushes, rolls back, tells its readers, and serves again", async () => {
    const serving = await serve(EAGER);
    const { object, chain } = serving;
    const response = await object.fetch("http://object/ws/subscribe?from_offset=0", {
      headers: { upgrade: "websocket" },
    });
    const reader = read(response);
    await becomeLate(serving);
    expect(await object.submit(transfer(0, 1))).toMatchObject({
      ok: false,
      error: { status: 503, message: "sequencer recovering", retryAfterS: 30 },
    });
    await serving.tickUntil(async () => isFlushing(await object.health()));
    expect(await object.health()).toMatchObject({
      status: "degraded",
      mode: "recovering",
      generation: 0,
      recovery: { phase: "flush", is_capped: false, is_over_budget: false },
    });
    await chain.mine(2);
    await serving.tickUntil(async () => (await object.health()).mode === "serving");
    expect(await object.health()).toMatchObject({ generation: 1, recovery: null, status: "ok" });
    await reader.until(() => reader.records().some((record) => record.kind === "rollback"));
    const rollback = reader.records().find((record) => record.kind === "rollback");
    expect(rollback).toMatchObject({ generation: 1 });
    expect(await stateOf(serving, 0)).toEqual([
      "voided",
      { rollback_offset: rollback?.offset, generation: 1 },
    ]);
    // The nonce is free, and what is promised now is settled.
    expect(await object.nextNonce(user(0))).toEqual({ ok: true, value: 0 });
    expect(await object.submit(transfer(0, 0))).toMatchObject({ ok: true });
    await serving.tickUntil(async () => {
      await chain.mine(1);
      const answer = await object.transaction(user(0), 0);
      return answer.ok && answer.value.state === "settled";
    });
    // Blocks mined this fast may have aged the next open batch into danger: it is voided by itself.
    await serving.tickUntil(async () => (await object.health()).mode === "serving");
  });

  test("evicted in the middle of it, it goes on", async () => {
    const serving = await serve(EAGER);
    const { object, chain } = serving;
    await becomeLate(serving);
    await serving.tickUntil(async () => isFlushing(await object.health()));
    await chain.mine(2);
    await serving.wake();
    expect(await object.health()).toMatchObject({ mode: "serving", generation: 1 });
    expect(await object.nextNonce(user(0))).toEqual({ ok: true, value: 0 });
  });
});
