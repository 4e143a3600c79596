/** What the submitter remembers of unsafe blocks, against a real chain that grows and reorganises. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { Landings } from "../../src/durable-objects/sequencer/landings.ts";
import type { L1 } from "../../src/l1/l1.ts";
import { type InputChain, startInputChain } from "../support/input-chain.ts";

let chain: InputChain;

beforeAll(async () => {
  chain = await startInputChain();
});
afterAll(() => chain.stop());

const batch = (nonce: bigint) => encodeBatch({ nonce, frames: [] });

/** Landings from `from` to the latest block, as user 0's batches. */
async function read(landings: Landings, from: number, l1: L1) {
  const latest = await l1.block("latest");
  if (!latest.ok) return expect.unreachable();
  const { inputBox, app } = chain.devnet.rollups;
  const submitter = must(chain.users[0], "there is a user 0");
  const range = { from: blockNumber(from), latest: latest.value };
  return await landings.read(l1, { inputBox, app, submitter }, range);
}

/** The nonces that `landings` shows. */
async function nonces(
  landings: Landings,
  from: number,
  l1: L1 = chain.l1,
): Promise<readonly (bigint | null)[]> {
  const answer = await read(landings, from, l1);
  return answer.ok ? answer.value.map((one) => one.nonce) : expect.unreachable(answer.error.reason);
}

test("[L2] landings are read once, forgotten below the safe head, and read again after a reorganisation", async () => {
  const landings = new Landings();
  const from = (await chain.head()) + 1;
  await chain.addInput(0, batch(0n));
  await chain.addInput(1, batch(9n));
  await chain.devnet.mine(1);
  expect(await nonces(landings, from)).toEqual([0n]);

  await chain.addInput(0, batch(1n));
  await chain.addInput(0, Uint8Array.of(0xff));
  await chain.devnet.mine(1);
  const before = chain.logCalls().length;
  expect(await nonces(landings, from)).toEqual([0n, 1n, null]);
  expect(chain.logCalls().at(-1)?.params).toMatchObject([
    { fromBlock: `0x${(from + 1).toString(16)}` },
  ]);
  expect(await nonces(landings, from)).toEqual([0n, 1n, null]);
  expect(chain.logCalls().length).toBe(before + 1);

  expect(await nonces(landings, from + 1)).toEqual([1n, null]);

  // Same height, other blocks: what was in them is gone.
  await chain.devnet.rpc("anvil_reorg", [1, []]);
  expect(await nonces(landings, from)).toEqual([0n]);
});

test("[L2] what one reading cannot hold is read on from where the last one ended", async () => {
  const landings = new Landings();
  const from = (await chain.head()) + 1;
  for (const nonce of [0n, 1n, 2n]) {
    await chain.addInput(0, batch(nonce));
    await chain.devnet.mine(1);
  }
  const oneBlock: L1 = {
    ...chain.l1,
    inputs: (query) => chain.l1.inputs({ ...query, to: query.from }),
  };
  const blocks = (await chain.head()) - from + 1;
  const behind = { ok: false, error: { reason: "behind", code: null } };
  for (let i = 1; i < blocks; i++) expect(await read(landings, from, oneBlock)).toEqual(behind);
  expect(await nonces(landings, from, oneBlock)).toEqual([0n, 1n, 2n]);
});
