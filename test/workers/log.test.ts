/** The log: chunks that link, stay in their bounds, and from which a replica rebuilds everything (C1). */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { decodeEvents } from "../../src/core/chunk/event.ts";
import { formatRecord } from "../../src/core/feed/record.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { batchNonce, blockNumber, offset } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { loadWireBatch } from "../../src/durable-objects/sequencer/storage/inclusion.ts";
import { loadPolicy } from "../../src/durable-objects/sequencer/storage/policy.ts";
import { type Chunk, type Replica, replicate } from "../support/replica.ts";
import { size } from "../support/size.ts";
import { cascadeFrom } from "./support/cascade.ts";
import {
  addInput,
  closeBatch,
  deposit,
  found,
  foundWithUsers,
  GENESIS_BLOCK,
  observe,
  submitMany,
  transfer,
  user,
} from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";

const COMMITTEE = {
  vars: {
    SEQ_CANDIDATES: "one=object:sequencer/one",
    SEQ_VALIDATOR_KEK: `0x${"5e".repeat(32)}`,
  },
};

function chunksOf(rig: Rig): readonly Chunk[] {
  return rig.sql
    .exec<{ header: ArrayBuffer; events: ArrayBuffer }>(
      "SELECT header, events FROM chunks ORDER BY height",
    )
    .toArray()
    .map(({ header, events }) => ({
      header: new Uint8Array(header),
      events: new Uint8Array(events),
    }));
}

function eventsOf(chunk: Chunk) {
  const events = decodeEvents(chunk.events);
  return events.ok ? events.value : expect.unreachable("a stored chunk decodes");
}

/** Everything that C1 promises, compared with the database. */
function expectReplica(rig: Rig): Replica {
  const { appConfig } = rig.runtime.config;
  const genesis = () => walletApplication.genesis(appConfig as never);
  const replica = replicate(chunksOf(rig), genesis, rig.runtime.keccak);
  expect(toHex(replica.state.snapshot())).toBe(toHex(rig.live().state.snapshot()));
  const stored = recordsAfter(rig.sql, offset(0), 1_000_000);
  expect(replica.feed.map(formatRecord)).toEqual(stored.map(formatRecord));
  const batches = rig.sql
    .exec<{ batch_index: number; nonce: number }>(
      "SELECT batch_index, nonce FROM valid_closed_batches ORDER BY nonce",
    )
    .toArray();
  expect([...replica.batches.keys()]).toEqual(batches.map(({ nonce }) => nonce));
  for (const { batch_index, nonce } of batches) {
    const bytes = encodeBatch(loadWireBatch(rig.sql, batch_index));
    expect(toHex(replica.batches.get(nonce) ?? new Uint8Array())).toBe(toHex(bytes));
  }
  const { batchIndex, batchNonce } = rig.live().head;
  const open = encodeBatch(loadWireBatch(rig.sql, batchIndex));
  expect(replica.open?.nonce).toBe(batchNonce);
  expect(toHex(replica.open?.bytes ?? new Uint8Array())).toBe(toHex(open));
  return replica;
}

type Step =
  | { readonly do: "ops"; readonly from: number; readonly count: number }
  | { readonly do: "blocks"; readonly count: number; readonly directs: number }
  | { readonly do: "time"; readonly ms: number }
  | { readonly do: "cascade"; readonly depth: number }
  | { readonly do: "watermark" }
  | { readonly do: "wake" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("ops"), from: fc.nat(2), count: fc.nat(90) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("blocks"), count: fc.nat(12), directs: fc.nat(4) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("time"), ms: fc.nat(1_000_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("cascade"), depth: fc.nat(3) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "watermark" }) },
  { weight: 1, arbitrary: fc.constant({ do: "wake" }) },
);

/** Plays the steps on a founded rig; returns the rig of the last wake-up. */
async function play(rig: Rig, steps: readonly Step[]): Promise<Rig> {
  let [live, block, watermark] = [rig, GENESIS_BLOCK, 0];
  for (const one of steps) {
    live.nowMs += 1_000;
    switch (one.do) {
      case "ops": {
        const nonce = live.live().state.nextNonce(user(one.from));
        const outcomes = await submitMany(live, one.from, nonce, one.count);
        expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
        break;
      }
      case "blocks":
        block += one.count + 1;
        for (let i = 0; i < one.directs; i++) deposit(live, user(i), 7n, block - (i % 2));
        if (one.directs > 2) {
          addInput(live, live.runtime.config.submitter, Uint8Array.of(1), block);
          addInput(live, user(0), new Uint8Array(0), block);
        }
        observe(live, block);
        live.lane.advance();
        break;
      case "time":
        live.nowMs += one.ms;
        live.lane.advance();
        break;
      case "cascade":
        cascadeFrom(live, one.depth);
        break;
      case "watermark":
        live.lane.raiseWatermark(watermark++);
        break;
      case "wake":
        live = live.wake();
        break;
    }
  }
  return live;
}

describe("a replica", () => {
  test("[C1] rebuilds state, feed and every batch byte for byte from the log alone", async () => {
    let [seals, snapshots] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), (steps) =>
        withRig(async (rig) => {
          foundWithUsers(rig, 3);
          const replica = expectReplica(await play(rig, steps));
          seals += replica.seals;
          snapshots += replica.snapshotsCompared;
        }),
      ),
      { numRuns: size(25, 300) },
    );
    // Some thirty and twenty at the smaller size: few enough here that chance does not fail it.
    expect(seals).toBeGreaterThan(5);
    expect(snapshots).toBeGreaterThan(0);
  });

  test("[C1] knows the watermark", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      for (const nonce of [0, 3]) rig.lane.raiseWatermark(nonce);
      expect(expectReplica(rig).watermark).toBe(3);
    }));

  test("[C1] of a changed event, header or order: the log does not link", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      for (let i = 0; i < 3; i++) await submitMany(rig, 0, i, 1);
      const chunks = chunksOf(rig);
      const genesis = () => walletApplication.genesis(rig.runtime.config.appConfig as never);
      const links = (other: readonly Chunk[]) => () =>
        replicate(other, genesis, rig.runtime.keccak);
      expect(links(chunks)).not.toThrow();
      const [first, second, third] = chunks;
      if (first === undefined || second === undefined || third === undefined) {
        return expect.unreachable("genesis and three ops are four chunks");
      }
      const flipped = second.events.map((byte, i) =>
        i === second.events.length - 1 ? byte ^ 1 : byte,
      );
      expect(links([first, { ...second, events: flipped }])).toThrow("root");
      expect(links([first, third])).toThrow("link");
      expect(links([second])).toThrow("link");
    }));
});

describe("chunks", () => {
  test("[C1] a commit of the lane is one chunk of at most 64 ops", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 150);
      const ops = chunksOf(rig).map(
        (chunk) => eventsOf(chunk).filter((event) => event.kind === "op").length,
      );
      expect(ops).toEqual([0, 64, 64, 22]);
    }));

  test("[C1] a commit that passes 1 MiB is cut into linked chunks of at most that", () =>
    withRig((rig) => {
      const payload = new Uint8Array(65_216).fill(3);
      for (let i = 0; i < 33; i++) addInput(rig, user(i), payload, 10);
      found(rig);
      const chunks = chunksOf(rig);
      expect(chunks.length).toBe(3);
      for (const chunk of chunks) expect(chunk.events.length).toBeLessThanOrEqual(1024 * 1024);
      expect(eventsOf(chunks[0] ?? expect.unreachable("a chunk")).length).toBe(1 + 16);
      expectReplica(rig);
      for (let i = 0; i < 33; i++) addInput(rig, user(i), payload, GENESIS_BLOCK + 1);
      observe(rig, GENESIS_BLOCK + 9);
      rig.lane.advance();
      expectReplica(rig.wake());
    }));

  test("[C1] what changes nothing writes no chunk", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const before = chunksOf(rig).length;
      await rig.lane.submit(transfer(0, 7));
      rig.lane.advance();
      expect(chunksOf(rig)).toHaveLength(before);
    }));

  test("[C1] seals say how many inputs were executed, and name the state they carry", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 9);
      closeBatch(rig);
      const seals = chunksOf(rig)
        .flatMap(eventsOf)
        .filter((event) => event.kind === "seal");
      expect(seals).toMatchObject([{ batchNonce: 0, executedInputs: 10 }]);
      expect(expectReplica(rig).snapshotsCompared).toBe(1);
    }));

  test("[C1, C6] under a committee a state's seal has its tally before it, in one chunk with the frame", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      const fee = loadPolicy(rig.sql).recommendedFee;
      // A tally, a seal and a frame have 121 bytes, and a frame 23: they just fit, and just do not.
      const frame = {
        kind: "frame",
        batchNonce: batchNonce(0),
        safeBlock: blockNumber(9),
        fee,
      } as const;
      for (const [frames, expected] of [
        [45_585, [45_588]],
        [45_586, [45_586, 3]],
      ] as const) {
        const before = chunksOf(rig).length;
        rig.lane.commit((draft) => {
          for (let i = 0; i < frames; i++) draft.append({ ...frame, frame: i });
          draft.seal({ takesSnapshot: true, fee });
        });
        const events = chunksOf(rig).slice(before).map(eventsOf);
        expect(events.map(({ length }) => length)).toEqual(expected);
        expect(events.at(-1)?.slice(-3)).toMatchObject([
          { kind: "tally", generation: 0, walletNonce: null },
          { kind: "seal" },
          { kind: "frame" },
        ]);
      }
    }, COMMITTEE));
});
