/** The client's replica: at every record its state is the sequencer's, by the snapshot's bytes. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeTransfer } from "../../src/apps/wallet/method.ts";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { executeDirectInput, executeUserOp } from "../../src/core/application/execute.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { createClient } from "../../src/sdk/client.ts";
import type { Replica, ReplicaEvent, ReplicaOptions } from "../../src/sdk/client-types.ts";
import { Random } from "../sim/random.ts";
import { size } from "../support/size.ts";
import { ALICE, BOB, CONFIG } from "../support/wallet.ts";
import { OPERATOR_TOKEN, WireServer } from "../support/wire-server.ts";

let server: WireServer;
let stops: AbortController;
/**
 * By offset: the sequencer's state when that was its head, and what a replay made of it after each
 * rollback, since what is void is left out.
 */
let truth: Map<number, Set<string>>;

beforeEach(async () => {
  server = await WireServer.start();
  stops = new AbortController();
  truth = new Map();
  const { onAppend } = server.sequencer;
  let generation = 0;
  server.sequencer.onAppend = () => {
    note(server.sequencer.head, bytesOf(server.sequencer));
    if (server.sequencer.generation !== generation) noteReplay();
    generation = server.sequencer.generation;
    onAppend();
  };
  for (const account of [ALICE, BOB]) server.sequencer.deposit(account, 1_000n);
});
afterEach(async () => {
  stops.abort();
  await server.stop();
});

const bytesOf = ({ state }: { state: { snapshot(): Uint8Array } }) => toHex(state.snapshot());

function transfer(amount: bigint): number {
  const nonce = server.sequencer.state.nextNonce(ALICE);
  return server.sequencer.include({ sender: ALICE, nonce, data: encodeTransfer(amount, BOB) });
}

function transfers(count: number): void {
  for (let i = 0; i < count; i++) transfer(1n);
}

/** Notes, for every offset, the state of what is valid up to there now: what a replay comes through. */
function noteReplay(): void {
  const state = walletApplication.genesis(CONFIG);
  for (const record of server.sequencer.after(0)) {
    if (record.kind === "user_op") executeUserOp(state, record, record.safeBlock);
    if (record.kind === "direct_input") executeDirectInput(state, record);
    note(record.offset, toHex(state.snapshot()));
  }
}

function note(offset: number, bytes: string): void {
  truth.set(offset, (truth.get(offset) ?? new Set()).add(bytes));
}

/** A replica of which every state that it shows must be one of those. */
async function start(options: ReplicaOptions & { readonly token?: string } = {}) {
  const { token, ...rest } = options;
  const url = server.url;
  const client = createClient({ url, ...(token === undefined ? {} : { operatorToken: token }) });
  const events: ReplicaEvent[] = [];
  const replica = await client.replica(walletApplication, {
    signal: stops.signal,
    checkpointRecords: 3,
    onEvent: (event, state) => {
      events.push(event);
      const bytes = toHex(state.snapshot());
      expect(truth.get(event.offset)?.has(bytes), `at ${event.offset}`).toBe(true);
    },
    ...rest,
  });
  return { replica, events };
}

/** Has everything, and the same. */
async function expectSame(replica: Replica): Promise<void> {
  await replica.reached(server.sequencer.head);
  expect(replica.offset).toBe(server.sequencer.head);
  expect(bytesOf(replica)).toBe(bytesOf(server.sequencer));
}

function snapshotNow(): void {
  const { state, head } = server.sequencer;
  server.snapshot = { bytes: state.snapshot(), offset: head };
}

describe("a replica", () => {
  test("[F2] starts at genesis with the whole order, and goes on with it", async () => {
    transfers(10);
    const { replica, events } = await start();
    expect(bytesOf(replica)).toBe(bytesOf(server.sequencer));
    transfers(5);
    await expectSame(replica);
    expect(events.map(({ offset }) => offset)).toEqual(Array.from({ length: 17 }, (_, i) => i + 1));
    expect(replica.era).toBe(server.era);
  });

  test("[V2] starts at a snapshot with the operator's token, where the feed does not go back further", async () => {
    transfers(10);
    snapshotNow();
    server.sequencer.availableFrom = server.sequencer.head;
    transfers(2);
    const { replica, events } = await start({ token: OPERATOR_TOKEN });
    await expectSame(replica);
    expect(events.map(({ kind, offset }) => [kind, offset])).toEqual([
      ["restored", 12],
      ["user_op", 13],
      ["user_op", 14],
    ]);
    await expect(start()).rejects.toMatchObject({ code: "HISTORY_UNAVAILABLE" });
    await expect(start({ token: "another" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("[V2] with the token starts at genesis while there is no snapshot", async () => {
    transfers(1);
    await expectSame((await start({ token: OPERATOR_TOKEN })).replica);
  });
});

describe("[F3] a rollback", () => {
  test.each([
    ["nothing", 40],
    ["a little", 38],
    ["more than the newest checkpoint", 20],
    ["all", 0],
  ])("that voids %s is gone back on", async (_what, keepThrough) => {
    transfers(38);
    const { replica, events } = await start();
    const before = replica.state;
    server.sequencer.rollBack(keepThrough);
    await expectSame(replica);
    expect(replica.state === before).toBe(keepThrough === 40);
    server.sequencer.deposit(ALICE, 5n);
    transfers(3);
    await expectSame(replica);
    // Each once: what is executed again is not shown again.
    expect(events.map(({ offset }) => offset)).toEqual(Array.from({ length: 45 }, (_, i) => i + 1));
  });

  test("while the one before is still gone back on leaves the valid order alone", async () => {
    transfers(60);
    const { replica } = await start();
    let rollbacks = 0;
    server.fault = ({ path }) => {
      // Each time the replica reads again, more is void than it was told.
      if (path.startsWith("/feed") && rollbacks++ < 3) {
        server.sequencer.rollBack(40 - 10 * rollbacks);
        transfers(4);
      }
      return null;
    };
    server.sequencer.rollBack(50);
    transfers(2);
    await replica.reached(65);
    await expectSame(replica);
    expect(rollbacks).toBeGreaterThanOrEqual(3);
  });

  test("[V2] beyond the snapshot that it began with asks for another one", async () => {
    transfers(3);
    snapshotNow();
    transfers(10);
    snapshotNow();
    const { replica, events } = await start({ token: OPERATOR_TOKEN });
    transfers(2);
    await expectSame(replica);
    server.snapshot = null;
    // Of a batch that survives, sealed behind an older rollback: its index is not beyond what is kept.
    const rollback = server.sequencer.rollBack(8);
    snapshotNow();
    await expectSame(replica);
    expect(events.at(-1)).toMatchObject({ offset: rollback.offset });
    transfers(1);
    await expectSame(replica);
  });

  test("[V2] that keeps all that a snapshot has asks for it once more, and not for ever", async () => {
    transfers(8);
    server.sequencer.rollBack(4);
    // The state is that of 4, the index that of the rollback.
    snapshotNow();
    const { replica } = await start({ token: OPERATOR_TOKEN });
    server.sequencer.rollBack(4);
    await expectSame(replica);
    transfers(2);
    await expectSame(replica);
    expect(server.asked("/latest_snapshot")).toBe(2);
  });

  test.each(Array.from({ length: size(4, 40) }, (_, seed) => seed))(
    "[F2] at random moments, with connections that die, seed %i: the state is always the sequencer's",
    async (seed) => {
      const random = new Random(seed, "sdk-replica");
      if (random.chance(0.5)) snapshotNow();
      const token = random.chance(0.5) ? { token: OPERATOR_TOKEN } : {};
      const { replica } = await start({ checkpointRecords: random.between(1, 12), ...token });
      for (let round = 0; round < 12; round++) {
        transfers(random.between(0, 15));
        if (random.chance(0.4)) server.sequencer.deposit(BOB, BigInt(random.between(1, 9)));
        if (random.chance(0.3)) server.cut(random.pick([0, 1012]));
        const { head } = server.sequencer;
        if (random.chance(0.5)) {
          server.sequencer.rollBack(random.between(2, head - 1), random.pick([1, 1_000]));
          // What the sequencer gives is always of the valid order.
          snapshotNow();
        }
        if (random.chance(0.5)) await expectSame(replica);
      }
      await expectSame(replica);
    },
    30_000,
  );
});

test("[F8, V2] what retention deleted while a replica was away is made up for with a snapshot", async () => {
  const { replica, events } = await start({ token: OPERATOR_TOKEN });
  transfers(2);
  await expectSame(replica);
  server.fault = () => ({ status: 503 });
  server.upgrade = () => 503;
  server.cut();
  transfers(3);
  snapshotNow();
  transfers(1);
  server.sequencer.availableFrom = server.snapshot?.offset ?? 0;
  server.fault = () => null;
  server.upgrade = () => null;
  await expectSame(replica);
  expect(events.slice(4).map(({ kind, offset }) => [kind, offset])).toEqual([
    ["restored", 7],
    ["user_op", 8],
  ]);
});

describe("a replica that cannot go on", () => {
  test("[F5] says so for good, and by the sequencer's code", async () => {
    const { replica } = await start();
    const waits = replica.reached(1_000);
    server.era = "6a1c2a39-8f0f-4d7e-9c7e-ffffffffffff";
    server.cut();
    await expect(waits).rejects.toMatchObject({ code: "ERA_CHANGED" });
    await expect(replica.ended).rejects.toMatchObject({ code: "ERA_CHANGED" });
    await expect(replica.reached(1)).rejects.toMatchObject({ code: "ERA_CHANGED" });
  });

  test("is told by its caller's abort", async () => {
    const { replica } = await start();
    stops.abort(new Error("enough"));
    await expect(replica.ended).rejects.toThrow("enough");
  });

  test("[V2] is not made of another application, nor of bytes that are none of its states", async () => {
    const other = { ...walletApplication, name: "another" };
    const client = createClient({ url: server.url, operatorToken: OPERATOR_TOKEN });
    await expect(client.replica(other)).rejects.toMatchObject({ code: "BAD_ANSWER" });
    server.snapshot = { bytes: new Uint8Array(10), offset: 1 };
    await expect(client.replica(walletApplication)).rejects.toThrow("a state of wallet");
  });
});
