/** Mode `full`: a validator object executes the log, and acks what it agrees with (C4). */

import { abortAllDurableObjects, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ChunkEvent } from "../../src/core/chunk/event.ts";
import { feeExponent } from "../../src/core/types/units.ts";
import { type Chunk, chunkAfter } from "../support/committee.ts";
import {
  type Committee,
  catchMessages,
  certificateOf,
  configure,
  found,
  propose,
  type Said,
  sent,
  validator,
  value,
} from "./support/committee-rig.ts";
import { type Op, type Seal, WALLET_VARIABLES, WalletLog } from "./support/wallet-log.ts";

let said: Said[] = [];
let next = 0;

beforeEach(() => {
  configure({ ...WALLET_VARIABLES, SEQ_VALIDATOR_MODE: "full" });
  said = catchMessages();
});
afterEach(() => void vi.restoreAllMocks());

async function fresh(): Promise<{ name: string; committee: Committee }> {
  const name = `v${next++}`;
  return { name, committee: await found([name]) };
}

/** Offers a chunk and answers what the validator says of it. */
async function offer(committee: Committee, name: string, chunk: Chunk): Promise<string> {
  await propose(committee, name, { chunks: [sent(chunk)], target: chunk.ref });
  return await vi.waitFor(() => {
    for (const { message } of said) {
      if (message.is === "ack" && message.ack.statement.chunkHash === chunk.ref.hash)
        return "acked";
      if (message.is === "refused") return message.why;
    }
    return expect.fail("no answer yet");
  }, 5_000);
}

/** The first chunk of an honest log: a deposit, two transfers, a seal, the next frame. */
function honest(): { log: WalletLog; events: ChunkEvent[] } {
  const log = new WalletLog();
  const events = [log.frame(), log.deposit(100n), log.transfer(), log.transfer(), log.seal()];
  return { log, events: [...events, log.frame()] };
}

describe("[C4] a full validator", () => {
  test("acks what it executes alike, and goes on after a restart", async () => {
    const { name, committee } = await fresh();
    const { log, events } = honest();
    const first = chunkAfter(null, events);
    expect(await offer(committee, name, first)).toBe("acked");
    expect(value(await validator(name).status()).mode).toBe("full");
    await abortAllDurableObjects();
    const second = chunkAfter(first, [log.transfer(), log.seal(), log.frame(3), log.transfer()]);
    expect(await offer(committee, name, second)).toBe("acked");
  });

  test("keeps the states of certified seals, which nobody has to send", async () => {
    const { name, committee } = await fresh();
    const { log, events } = honest();
    const state = log.state.snapshot();
    const first = chunkAfter(null, events);
    await offer(committee, name, first);
    const certificate = certificateOf(committee, said, first.ref);
    await propose(committee, name, { certificate });
    await vi.waitFor(async () => {
      expect(value(await validator(name).status()).certified_height).toBe(0);
    }, 5_000);
    await runDurableObjectAlarm(validator(name));
    const seal = events.find((event): event is Seal => event.kind === "seal");
    const stateHash = seal?.stateHash ?? expect.fail("a seal");
    expect(value(await validator(name).status()).snapshots).toEqual([stateHash]);
    expect(value(await validator(name).snapshotPart(stateHash, 0))).toEqual(state);
  });

  test("keeps older states too, since a rollback may reach behind the newest two", async () => {
    const { name, committee } = await fresh();
    const log = new WalletLog();
    const first = chunkAfter(null, [log.frame(), log.deposit(100n), log.seal(), log.frame()]);
    const kept = log.state.snapshot();
    let tip = first;
    for (let i = 0; i < 4; i++) {
      if (i > 0) tip = chunkAfter(tip, [log.transfer(), log.seal(), log.frame()]);
      expect(await offer(committee, name, tip)).toBe("acked");
      await propose(committee, name, { certificate: certificateOf(committee, said, tip.ref) });
      await vi.waitFor(async () => {
        expect(value(await validator(name).status()).certified_height).toBe(i);
      }, 5_000);
      await runDurableObjectAlarm(validator(name));
    }
    // The newest two, and the first of those that came within one gap.
    expect(value(await validator(name).status()).snapshots).toHaveLength(3);
    await abortAllDurableObjects();
    const next = chunkAfter(tip, [log.rollBack(1, kept), log.frame(), log.transfer(), log.seal()]);
    expect(await offer(committee, name, next)).toBe("acked");
  });

  test("follows a rollback to what it keeps", async () => {
    const { name, committee } = await fresh();
    const log = new WalletLog();
    const opening = [log.frame(), log.deposit(100n), log.transfer()];
    const kept = log.state.snapshot();
    const first = chunkAfter(null, [...opening, log.transfer()]);
    expect(await offer(committee, name, first)).toBe("acked");
    // The second transfer, of offset 3, is void: its nonce is used again.
    const second = chunkAfter(first, [
      log.rollBack(2, kept),
      log.frame(),
      log.transfer(1),
      log.seal(),
    ]);
    expect(await offer(committee, name, second)).toBe("acked");
    await abortAllDurableObjects();
    const third = chunkAfter(second, [log.frame(), log.transfer(), log.seal()]);
    expect(await offer(committee, name, third)).toBe("acked");
  });

  const isOp = (event: ChunkEvent): event is Op => event.kind === "op";
  const isSeal = (event: ChunkEvent): event is Seal => event.kind === "seal";
  const ops = (change: (op: Op) => Op) => (event: ChunkEvent) =>
    isOp(event) ? change(event) : event;
  const seals = (change: (seal: Seal) => Seal) => (event: ChunkEvent) =>
    isSeal(event) ? change(event) : event;

  test.each<[string, (event: ChunkEvent) => ChunkEvent]>([
    ["an op that its sender did not sign", ops((op) => ({ ...op, data: Uint8Array.of(9) }))],
    ["a fee that is not the frame's", ops((op) => ({ ...op, fee: feeExponent(1) }))],
    ["an op of another frame", ops((op) => ({ ...op, frame: op.frame + 1 }))],
    ["another state at a seal", seals((seal) => ({ ...seal, stateHash: seal.payloadHash }))],
    ["another count at a seal", seals((seal) => ({ ...seal, executedInputs: 4 }))],
  ])("refuses %s", async (_, change) => {
    const { name, committee } = await fresh();
    const { events } = honest();
    expect(await offer(committee, name, chunkAfter(null, events.map(change)))).toBe("payload");
    said.length = 0;
    // It is not worse off for it.
    expect(await offer(committee, name, chunkAfter(null, events))).toBe("acked");
  });

  test("refuses a nonce that is used, and one that skips", async () => {
    for (const nonce of [0, 2]) {
      said.length = 0;
      const { name, committee } = await fresh();
      const log = new WalletLog();
      const events = [log.frame(), log.deposit(100n), log.transfer(), log.transfer(nonce)];
      expect(await offer(committee, name, chunkAfter(null, events))).toBe("payload");
    }
  });
});

test("[C4] a validator that only links acks what it does not understand", async () => {
  configure({ SEQ_VALIDATOR_MODE: "linkage" });
  const { name, committee } = await fresh();
  const { events } = honest();
  const unsigned = events.map((event) =>
    event.kind === "op" ? { ...event, signature: new Uint8Array(65) } : event,
  );
  expect(await offer(committee, name, chunkAfter(null, unsigned))).toBe("acked");
});
