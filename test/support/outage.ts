/**
 * A product whose L1 a test can cut off, hold back or let run ahead, and that recovers within seconds.
 *
 * Blocks come ten times as fast as the sequencer reckons, and many at once when a test says so: a batch
 * is old by blocks within a moment, while the blocks' times stay those of this machine's clock.
 */

import { expect } from "vitest";
import type { Mode } from "../../src/core/api/rejection.ts";
import type { HealthBody } from "../../src/core/api/sequencer-api.ts";
import type { FeedRecord } from "../../src/core/feed/record.ts";
import { must } from "../../src/core/types/assert.ts";
import { type Rpc, rpcOf } from "../../src/local/rpc.ts";
import type { StackOptions } from "../../src/local/stack-options.ts";
import { Random } from "../sim/random.ts";
import { type Fault, type FaultyRpc, type RpcRequest, startFaultyRpc } from "./faulty-rpc.ts";
import { restoreL1 } from "./l1-levers.ts";
import { expectSameForAllReaders, LiveReader } from "./live-reader.ts";
import { account, type Product, readFeed, startProduct, until } from "./product.ts";
import { expectVerified } from "./verified.ts";

/** A batch is in danger this many blocks after its first frame. */
const DANGER_BLOCKS = 200;
/** After so many, every batch that is there now is in danger, and the open one is no younger than that. */
export const BLOCKS_INTO_DANGER = DANGER_BLOCKS + 10;
/** Beyond any danger: a batch that lands now is skipped by the scheduler (S4). */
export const STALE_BLOCKS = 1_210;
const SERVING_LIMIT_MS = 30_000;
const REFUSED_LIMIT_MS = 30_000;
const SETTLED_LIMIT_MS = 30_000;

const VARIABLES = {
  SEQ_PREEMPTIVE_MARGIN_BLOCKS: `${1_200 - DANGER_BLOCKS}`,
  SEQ_L1_READ_STALE_AFTER_BLOCKS: "60",
  SEQ_BATCH_LINGER_SECONDS: "1",
  // An empty batch is a hundred blocks old when it closes.
  SEQ_MAX_BATCH_OPEN_SECONDS: "10",
  SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "250",
};

export type Outage = Product & {
  /** Between the sequencer and L1. */
  readonly proxy: FaultyRpc;
  /** L1 itself. */
  readonly rpc: Rpc;
  /** Follows the feed from its beginning. */
  readonly reader: LiveReader;
  readonly random: Random;
};

/** An op that was confirmed. */
export type Op = { readonly index: number; readonly nonce: number; readonly offset: number };

export type OutageOptions = Partial<StackOptions> & {
  /** Faults from the first request on. */
  readonly fail?: (request: RpcRequest) => Fault | null;
};

export async function startOutage({ vars, fail, ...options }: OutageOptions = {}): Promise<Outage> {
  let proxy: FaultyRpc | null = null;
  const product = await startProduct({
    blockTimeS: 0.1,
    savesChain: false,
    l1Url: async (anvilUrl) => {
      proxy = await startFaultyRpc(anvilUrl);
      if (fail !== undefined) proxy.fail(fail);
      return proxy.url;
    },
    vars: { ...VARIABLES, ...vars },
    ...options,
  });
  const { stack } = product;
  const started: FaultyRpc = must<FaultyRpc>(proxy, "a start asks for the URL of L1");
  const reader = await LiveReader.open(stack.url);
  return {
    ...product,
    proxy: started,
    rpc: rpcOf(stack.rpcUrl),
    reader,
    random: new Random(1, "readers"),
    async stop() {
      reader.close();
      await product.stop();
      await started.stop();
    },
  };
}

export async function health({ stack }: Product): Promise<HealthBody> {
  return (await (await fetch(`${stack.url}/healthz`)).json()) as HealthBody;
}

/**
 * Waits until it serves and has read L1 as it is now. One that is started again within a moment serves
 * from what it stored before it has looked (R1).
 */
export async function serving(outage: Outage): Promise<HealthBody> {
  const { number } = await outage.rpc<{ number: string }>("eth_getBlockByNumber", ["safe", false]);
  return await until(
    () => health(outage),
    ({ mode, status, safe_block }) =>
      mode === "serving" && status === "ok" && (safe_block ?? 0) >= Number(number),
    SERVING_LIMIT_MS,
  );
}

/** Between two scenarios: whatever the last one left, L1 answers, blocks come, and it serves. */
export async function calm(outage: Outage): Promise<void> {
  restoreL1(outage);
  outage.stack.resumeBlocks();
  const isUp = await fetch(`${outage.stack.url}/livez`).then(
    () => true,
    () => false,
  );
  if (!isUp) await outage.stack.startWorkerd();
  await serving(outage);
}

/** Blocks that must come until the oldest batch is in danger. */
export async function blocksToDanger(product: Product): Promise<number> {
  return must((await health(product)).blocks_to_danger, "health knows the danger after genesis");
}

/** A small transfer of the account with this index; nothing is assumed about what it sent before. */
export async function submit(outage: Outage, index = 0): Promise<Op> {
  const { stack } = outage;
  const [from, to] = [account(outage, index), account(outage, (index + 1) % 10)];
  const asked = await fetch(`${stack.url}/nonce?sender=${from.address}`);
  const { next_nonce: nonce } = (await asked.json()) as { next_nonce: number };
  from.nonce = nonce;
  const answer = await outage.post(outage.transfer(from, to.address, 1n));
  expect(answer.body).toMatchObject({ ok: true, nonce });
  return { index, nonce, offset: Number(answer.body["offset"]) };
}

export const transactionOf = (outage: Outage, { index, nonce }: Op) =>
  outage.transaction(account(outage, index).address, nonce);

/** How an op fares that is not taken: 503 and the mode (I5). */
export async function expectRefused(outage: Outage, mode: Mode): Promise<void> {
  const from = account(outage, 8);
  const answer = await outage.post(outage.transfer(from, from.address, 1n));
  expect(answer.status).toBe(503);
  expect(answer.body).toMatchObject({ code: "UNAVAILABLE", message: `sequencer ${mode}` });
  expect(answer.headers.get("retry-after")).not.toBeNull();
}

/** Waits until it refuses to serve. */
export function refused(outage: Outage): Promise<HealthBody> {
  return until(
    () => health(outage),
    ({ mode }) => mode === "refused",
    REFUSED_LIMIT_MS,
  );
}

/** As a crash and the next start. It need not serve then. */
export async function startAgain({ stack }: Outage): Promise<void> {
  await stack.killWorkerd();
  await stack.startWorkerd();
}

/** Waits until L1 has accepted the op. */
export function settled(outage: Outage, op: Op) {
  return until(
    () => transactionOf(outage, op),
    ({ state }) => state === "settled",
    SETTLED_LIMIT_MS,
  );
}

/** Waits until a transaction with the op's batch was handed to a node. */
export function posted(outage: Outage, op: Op) {
  return until(
    () => transactionOf(outage, op),
    ({ state }) => state === "posted",
    SETTLED_LIMIT_MS,
  );
}

export async function rollbacks({ stack }: Product) {
  return (await readFeed(stack.url)).filter(
    (record): record is FeedRecord & { kind: "rollback" } => record.kind === "rollback",
  );
}

/** The ops are void, and a rollback that readers get says so (F3, I6). */
export async function expectVoid(outage: Outage, ops: readonly Op[]): Promise<void> {
  const said = await rollbacks(outage);
  for (const op of ops) {
    const { state, voided } = await transactionOf(outage, op);
    expect(state).toBe("voided");
    const covering = said.filter((one) => one.keepThrough < op.offset && op.offset < one.offset);
    expect(covering.map(({ offset, generation }) => [offset, generation])).toContainEqual([
      voided?.rollback_offset,
      voided?.generation,
    ]);
  }
}

/**
 * What every scenario ends with: it serves, a new op settles, every reader holds the same, and L1
 * replayed gives the finalized state at or after that op.
 */
export async function expectGoesOn(outage: Outage): Promise<void> {
  await serving(outage);
  const { l1 } = await settled(outage, await submit(outage, 9));
  const block = must(l1?.block_number ?? null, "a settled op is in a block");
  await expectSameForAllReaders(outage.stack.url, outage.reader, outage.random);
  // Not every batch carries a snapshot (V1): one of the next does.
  while ((await finalizedBlock(outage)) < block) await settled(outage, await submit(outage, 9));
  await expectVerified(outage);
}

async function finalizedBlock({ stack }: Product): Promise<number> {
  const digest = await (await fetch(`${stack.url}/finalized_state/digest`)).json();
  return (digest as { inclusion_block?: number }).inclusion_block ?? -1;
}
