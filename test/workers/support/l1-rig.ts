/** A rig on a real chain: what a tick does, one step at a time. */

import { expect } from "vitest";
import { toHex } from "../../../src/core/types/hex.ts";
import { encodeBatch } from "../../../src/core/wire/batch.ts";
import { Landings } from "../../../src/durable-objects/sequencer/landings.ts";
import { postBatches } from "../../../src/durable-objects/sequencer/post-batches.ts";
import { pinIdentity, readL1 } from "../../../src/durable-objects/sequencer/read-l1.ts";
import { loadHistory } from "../../../src/durable-objects/sequencer/storage/history.ts";
import { loadWireBatch } from "../../../src/durable-objects/sequencer/storage/inclusion.ts";
import { loadSafeHead } from "../../../src/durable-objects/sequencer/storage/l1-inputs.ts";
import { connectL1 } from "../../../src/l1/client.ts";
import { SLICE_BLOCKS_MAX } from "../../../src/l1/inputs.ts";
import type { L1, Submitter } from "../../../src/l1/l1.ts";
import { createSubmitter } from "../../../src/l1/submitter.ts";
import { type Chain, startChain } from "./chain.ts";
import { user } from "./history.ts";
import { type Rig, withRig } from "./rig.ts";

/** The chain through its proxy, as a tick connects to it. */
export function connect(chain: Chain): L1 {
  return connectL1({ url: chain.proxyUrl, timeoutMs: 5_000, longRangeCodes: [-32005] });
}

/** What the reading duty does: pins, reads a slice, and makes the genesis once it is level. */
export async function readOnce(rig: Rig, chain: Chain, sliceBlocks: number = SLICE_BLOCKS_MAX) {
  const l1 = connect(chain);
  const identity = await pinIdentity(rig.runtime, l1);
  if (!identity.ok) return identity;
  const outcome = await readL1(rig.runtime, l1, identity.value, sliceBlocks);
  const head = loadSafeHead(rig.sql);
  if (outcome.ok && outcome.value.reachedSafeHead && head !== null) {
    if (loadHistory(rig.sql) === null) rig.lane.genesis(head.blockNumber, new Uint8Array(16));
    rig.recovery.synced();
  }
  return outcome;
}

/** Reads until level with the safe block. */
export async function sync(rig: Rig, chain: Chain): Promise<void> {
  for (;;) {
    const outcome = await readOnce(rig, chain);
    if (!outcome.ok) return expect.unreachable(outcome.error.reason);
    if (outcome.value.reachedSafeHead) return;
  }
}

/** Mines what is due, makes it safe and reads it. */
export async function settle(rig: Rig, chain: Chain): Promise<void> {
  await chain.mine(2);
  await sync(rig, chain);
}

export type PostHooks = {
  /** Runs while the submitter signs. */
  readonly whileSigning?: () => void;
  /** Runs before each send. */
  readonly beforeSend?: (raw: string) => void;
};

/** The chain and the submitter's key, with the test's hooks in between. */
function hooked(rig: Rig, chain: Chain, hooks: PostHooks) {
  const real = connect(chain);
  const l1: L1 = {
    ...real,
    broadcast: (raw) => {
      hooks.beforeSend?.(raw);
      return real.broadcast(raw);
    },
  };
  const key = createSubmitter(rig.runtime.config.secrets.submitterKey);
  const submitter: Submitter = {
    ...key,
    sign: (chainId, transaction) => {
      hooks.whileSigning?.();
      return key.sign(chainId, transaction);
    },
    signNoOp: (chainId, terms) => {
      hooks.whileSigning?.();
      return key.signNoOp(chainId, terms);
    },
  };
  return { l1, submitter };
}

/** One step of recovery: at most one phase. */
export function recoverOnce(rig: Rig, chain: Chain, hooks: PostHooks = {}) {
  const { l1, submitter } = hooked(rig, chain, hooks);
  return rig.recovery.step({ lane: rig.lane, submitter, connect: () => l1 });
}

export async function postOnce(rig: Rig, chain: Chain, hooks: PostHooks = {}) {
  const { l1, submitter } = hooked(rig, chain, hooks);
  const identity = await pinIdentity(rig.runtime, l1);
  if (!identity.ok) return identity;
  const { runtime, lane, recovery } = rig;
  const mayPost = () => recovery.mayPost();
  const poster = { runtime, lane, submitter, landings: new Landings(), mayPost, certified: null };
  return postBatches(poster, l1, identity.value);
}

/** SSZ bytes of the batch at this index, sealed or not. */
export function bytesOf(rig: Rig, batchIndex: number): Uint8Array {
  return encodeBatch(loadWireBatch(rig.sql, batchIndex));
}

/** Everything that L1 has to do with, to compare before and after. */
export function l1Facts(rig: Rig): unknown {
  const tables = ["l1_safe_head", "safe_inputs", "safe_accepted_batches", "canonical_divergence"];
  return tables.map((table) =>
    rig.sql
      .exec(`SELECT * FROM ${table}`)
      .toArray()
      .map((row) =>
        Object.values(row).map((value) =>
          value instanceof ArrayBuffer ? toHex(new Uint8Array(value)) : value,
        ),
      ),
  );
}

/** A fresh chain and a founded rig on it; users 0 to 2 have deposited. */
export async function withChain(
  test: (rig: Rig, chain: Chain) => Promise<void>,
  vars: Readonly<Record<string, string>> = {},
): Promise<void> {
  const chain = await startChain();
  for (let i = 0; i < 3; i++) await chain.deposit(user(i), 10n ** 15n);
  await chain.mine(2);
  await withRig(
    async (rig) => {
      await sync(rig, chain);
      await test(rig, chain);
    },
    { vars: { ...chain.vars, ...vars }, nowMs: Date.now() },
  );
}
