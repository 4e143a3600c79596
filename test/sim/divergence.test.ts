/** Somebody else holds the submitter's key and lands a batch of his own: the one fault that is absorbing. */

import { expect, test } from "vitest";
import { foldLandedNonces, landedNonce } from "../../src/core/submission/landed.ts";
import { hash32 } from "../../src/core/types/hex.ts";
import { batchNonce } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { size } from "../support/size.ts";
import { Audit } from "./audit.ts";
import { FIRST_BLOCK } from "./chain.ts";
import { type Cut, drawOptions, FAULT_KINDS, WHOLE } from "./options.ts";
import { withQuietConsole } from "./quiet-console.ts";
import { Signing } from "./signing.ts";
import { createWorld, type World } from "./world.ts";

const HOUR_MS = 3_600_000;
const GWEI = 1_000_000_000n;
/** The object dies now and then; nothing else is wrong. */
const ONLY_RESETS: Cut = {
  ...WHOLE,
  without: FAULT_KINDS.filter((kind) => kind !== "reset" && kind !== "crash"),
};

test.each(Array.from({ length: size(2, 40) }, (_, i) => i + 1))(
  "[R4] seed %i: after a foreign batch nothing is promised, posted or voided any more",
  async (seed) => {
    const world = worldOf(seed);
    await withQuietConsole(
      () => undefined,
      async () => {
        await world.timeline.run(HOUR_MS, () => false);
        intrude(world);
        await world.timeline.run(12 * HOUR_MS, () => hasDiverged(world));
        expect(hasDiverged(world)).toBe(true);
        const before = await frozen(world);
        await world.timeline.run(world.timeline.nowMs + 6 * HOUR_MS, () => false);
        expect(await frozen(world)).toEqual(before);
      },
    );
    world.storage.close();
  },
);

function worldOf(seed: number): World {
  const options = { ...drawOptions(seed, ONLY_RESETS), stormMs: 24 * HOUR_MS };
  const world = createWorld(
    options,
    new Signing(options.config.secrets.submitterKey),
    new Audit(false),
  );
  const act = (): void => {
    world.timeline.after(options.clientMs, act);
    world.timeline.after(0, () => world.clients.act());
  };
  act();
  return world;
}

function hasDiverged({ storage }: World): boolean {
  return storage.read("SELECT 1 FROM canonical_divergence").length > 0;
}

/** Every minute until it works: an empty batch with the nonce that L1 expects next. */
function intrude(world: World): void {
  const { timeline, l1, options } = world;
  if (hasDiverged(world)) return;
  timeline.after(60_000, () => intrude(world));
  const { walletNonce } = l1.chain.head;
  l1.builder.add(
    {
      hash: hash32(`0xf0e1${timeline.nowMs.toString(16).padStart(60, "0")}`),
      sender: options.config.submitter,
      walletNonce,
      maxFeePerGasWei: 500n * GWEI,
      maxPriorityFeePerGasWei: 400n * GWEI,
      payload: encodeBatch({ nonce: BigInt(nextNonce(world)), frames: [] }),
    },
    timeline.nowMs,
  );
}

/** The nonce after those that landed, at any depth. */
function nextNonce({ l1: { chain }, options }: World): number {
  const nonces: (bigint | null)[] = [];
  for (let number = FIRST_BLOCK; number <= chain.head.number; number++) {
    for (const { sender, payload } of chain.canonical(number).inputs) {
      if (sender === options.config.submitter) nonces.push(landedNonce(payload));
    }
  }
  return foldLandedNonces(batchNonce(0), nonces);
}

/** What must not change any more. */
async function frozen({ object, storage, archive, wire }: World): Promise<unknown> {
  let mode: unknown = null;
  let refusal: unknown = null;
  await object.request(
    "derive",
    ({ service }) => [service.derive(), service.refusal],
    (answer) => {
      [mode, refusal] = answer ?? [];
    },
  );
  expect([mode, refusal]).toEqual(["refused", "canonical-divergence"]);
  return {
    head: archive.head,
    rollbacks: archive.rollbacks.length,
    sent: storage.read("SELECT COUNT(*) AS n FROM submissions")[0],
    broadcasts: wire.broadcasts,
    batches: storage.read("SELECT COUNT(*) AS n FROM batches")[0],
  };
}
