/** Following and forgetting on a Durable Object's own SQLite, which is stricter than a test's (C1, C6). */

import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { type Address, address, hash32 } from "../../src/core/types/hex.ts";
import { ok } from "../../src/core/types/result.ts";
import { batchNonce, blockNumber } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { followOnce } from "../../src/durable-objects/sequencer/follow.ts";
import { planBeginning } from "../../src/durable-objects/sequencer/plan-beginning.ts";
import { pinIdentity, readL1 } from "../../src/durable-objects/sequencer/read-l1.ts";
import {
  type Follower,
  projectedThrough,
  receiveChunks,
} from "../../src/durable-objects/sequencer/replica.ts";
import { beginReset } from "../../src/durable-objects/sequencer/replica-reset.ts";
import { beginFromSnapshot } from "../../src/durable-objects/sequencer/replica-snapshot.ts";
import { feedHead, requireHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import { loadWireBatch } from "../../src/durable-objects/sequencer/storage/inclusion.ts";
import type { ReceivedChunk } from "../../src/durable-objects/sequencer/storage/replica.ts";
import { isResetting } from "../../src/durable-objects/sequencer/storage/replica-reset.ts";
import { blob } from "../../src/durable-objects/sequencer/storage/rows.ts";
import {
  loadState,
  newestAcceptedSnapshot,
} from "../../src/durable-objects/sequencer/storage/snapshots.ts";
import type { L1, ObservedInput } from "../../src/l1/l1.ts";
import { cascade } from "./support/cascade.ts";
import { GENESIS_BLOCK } from "./support/history.ts";
import { createRig, freshObject, type Rig, type RigOptions } from "./support/rig.ts";
import { rows, threeBatches } from "./support/rollback.ts";
import { expectSameAfterWake } from "./support/same-memory.ts";
import { EACH } from "./support/snapshots.ts";

type Log = {
  readonly era: Uint8Array;
  readonly chunks: readonly ReceivedChunk[];
  readonly inputs: readonly ObservedInput[];
  /** Of the newest accepted batch. */
  readonly state: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly rows: unknown;
};

/** Signatures are the library's to judge, before a chunk is received. */
const UNCHECKED = { scheme: "p256", signature: new Uint8Array(64) } as const;
const COMMITTEE: RigOptions = {
  vars: {
    ...EACH.vars,
    SEQ_CANDIDATES: "one=object:sequencer/one",
    SEQ_VALIDATOR_KEK: `0x${"5e".repeat(32)}`,
  },
};

/** A leader with three batches, the first accepted, the third voided. */
function written(options: RigOptions = EACH): Promise<Log> {
  return runInDurableObject(freshObject(), async (_object, state) => {
    const rig = createRig(state, options);
    await threeBatches(rig);
    cascade(rig, 2);
    const accepted = newestAcceptedSnapshot(rig.sql) ?? expect.unreachable("a batch is accepted");
    return {
      era: requireHistory(rig.sql).era,
      chunks: chunksOf(rig),
      inputs: inputsOf(rig),
      state: loadState(rig.sql, accepted),
      snapshot: rig.live().state.snapshot(),
      rows: rows(rig),
    };
  });
}

function chunksOf({ sql }: Rig): readonly ReceivedChunk[] {
  return sql
    .exec<{ header: ArrayBuffer; events: ArrayBuffer }>(
      "SELECT header, events FROM chunks ORDER BY height",
    )
    .toArray()
    .map(({ header, events }) => ({
      header: blob(header),
      events: blob(events),
      signature: UNCHECKED,
    }));
}

/** As L1 has them: an own landing with its bytes. */
function inputsOf({ sql }: Rig): readonly ObservedInput[] {
  return sql
    .exec<{ i: number; sender: ArrayBuffer; payload: ArrayBuffer | null; block: number }>(
      `SELECT safe_input_index AS i, sender, payload, block_number AS block FROM safe_inputs
       ORDER BY safe_input_index`,
    )
    .toArray()
    .map(({ i, sender, payload, block }) => ({
      index: i,
      sender: addressOf(sender),
      payload: payload === null ? encodeBatch(loadWireBatch(sql, 0)) : blob(payload),
      blockNumber: blockNumber(block),
      blockTimestamp: 1_000 + block,
      transactionHash: hash32(`0x${(i + 1).toString(16).padStart(64, "0")}`),
    }));
}

const addressOf = (bytes: ArrayBuffer): Address =>
  address(`0x${[...blob(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`);

function l1Of(inputs: readonly ObservedInput[], chainId: number): L1 {
  const block = (number: number) => ({
    number: blockNumber(number),
    hash: hash32(`0x${number.toString(16).padStart(64, "0")}`),
    timestamp: 1_000 + number,
  });
  const parts: Partial<L1> = {
    chainId: () => Promise.resolve(ok(chainId)),
    discover: () =>
      Promise.resolve(
        ok({ inputBox: address(`0x${"1b".repeat(20)}`), inputBoxBlock: blockNumber(1) }),
      ),
    block: (tag) => Promise.resolve(ok(block(typeof tag === "number" ? tag : GENESIS_BLOCK + 6))),
    inputs: ({ from, to }) => {
      const within = inputs.filter(({ blockNumber: at }) => at >= from && at <= to);
      return Promise.resolve(ok({ inputs: within, end: to }));
    },
    inputCount: (_box, _app, at) =>
      Promise.resolve(ok(inputs.filter(({ blockNumber: one }) => one <= at).length)),
  };
  return parts as L1;
}

function followerOf(rig: Rig, { era }: Log): Follower {
  const { runtime, lane, memory } = rig;
  const { application, config } = runtime;
  const state = () => application.genesis(config.appConfig);
  return { runtime, lane, memory, origin: { era, anchorNonce: batchNonce(0), base: null, state } };
}

/** Steps until the whole log is projected. */
async function follow(rig: Rig, log: Log): Promise<void> {
  const follower = followerOf(rig, log);
  const through = log.chunks.length - 1;
  const connect = () => l1Of(log.inputs, rig.runtime.config.chainId);
  for (let step = 0; projectedThrough(rig.sql) < through && step < 50; step++) {
    const io = { connect, sliceBlocks: 10_000 };
    const followed = await followOnce(follower, { through, opened: null }, io);
    if (!followed.ok) return expect.unreachable(followed.error.reason);
    expect(followed.value.problem).toBeNull();
  }
  expect(projectedThrough(rig.sql)).toBe(through);
}

test("[C1, C6] a follower has the leader's rows, forgets them, and has them again", async () => {
  const log = await written();
  await runInDurableObject(freshObject(), async (_object, state) => {
    const rig = createRig(state, EACH);
    for (let round = 0; round < 2; round++) {
      receiveChunks(rig.runtime, 0, log.chunks);
      await follow(rig, log);
      expect(rows(rig)).toEqual(log.rows);
      expect(rig.live().state.snapshot()).toEqual(log.snapshot);
      expectSameAfterWake(rig);
      beginReset(rig.runtime);
      const woken = rig.wake();
      const io = { connect: () => expect.unreachable("L1 is not asked"), sliceBlocks: 1 };
      for (let isMore = true; isMore; ) {
        const step = await followOnce(followerOf(woken, log), { through: 0, opened: null }, io);
        isMore = step.ok && step.value.isMoreDue;
      }
      expect([isResetting(rig.sql), feedHead(rig.sql)]).toEqual([false, 0]);
      rig.memory.drop();
    }
  });
});

test("[C1, C6] a follower that begins from an accepted state ends with the same one", async () => {
  const log = await written(COMMITTEE);
  await runInDurableObject(freshObject(), async (_object, state) => {
    const rig = createRig(state, COMMITTEE);
    const follower = followerOf(rig, log);
    const connect = () => l1Of(log.inputs, rig.runtime.config.chainId);
    const at = log.chunks.findIndex((chunk) => planBeginning(follower, chunk).ok);
    const identity = await pinIdentity(rig.runtime, connect());
    if (!identity.ok) return expect.unreachable(identity.error.reason);
    const end = blockNumber(GENESIS_BLOCK + 6);
    await readL1(rig.runtime, connect(), identity.value, 10_000, end);
    expect(beginFromSnapshot(follower, log.state)).toEqual({ ok: true, value: null });
    receiveChunks(rig.runtime, at + 1, log.chunks.slice(at + 1));
    await follow(rig, log);
    expect(rig.live().state.snapshot()).toEqual(log.snapshot);
    expectSameAfterWake(rig);
  });
});
