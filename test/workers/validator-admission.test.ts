/** What a validator object acks, on its real database: every rule of C4 by a chunk that breaks it. */

import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Message } from "../../src/consensus/messages.ts";
import { encodeEvent } from "../../src/core/chunk/event.ts";
import type { ChunkRef } from "../../src/core/consensus/types.ts";
import { offset } from "../../src/core/types/units.ts";
import { type Chunk, chunkAfter, opAt, sequencers } from "../support/committee.ts";
import {
  type Committee,
  catchMessages,
  certificateOf,
  configure,
  found,
  kindsOf,
  LEADER,
  propose,
  type Said,
  sent,
  validator,
  value,
} from "./support/committee-rig.ts";

let said: Said[] = [];
let next = 0;

beforeEach(() => {
  configure();
  said = catchMessages();
});
afterEach(() => void vi.restoreAllMocks());

/** A founded validator of its own for each test. */
async function fresh(): Promise<{ name: string; committee: Committee }> {
  const name = `v${next++}`;
  return { name, committee: await found([name]) };
}

const first = chunkAfter(null, [opAt(1), opAt(2)]);
const second = chunkAfter(first, [opAt(3)]);
const third = chunkAfter(second, [opAt(4)]);

async function ackedRef(count: number): Promise<ChunkRef> {
  await vi.waitFor(() => expect(acks()).toHaveLength(count), 5_000);
  return acks().at(-1) ?? expect.fail("an ack");
}

function acks(): readonly ChunkRef[] {
  return said.flatMap(({ message }) =>
    message.is === "ack"
      ? [{ height: message.ack.statement.height, hash: message.ack.statement.chunkHash }]
      : [],
  );
}

async function answered(kind: string): Promise<Said> {
  return await vi.waitFor(() => {
    const found = said.find(({ message }) => message.is === kind);
    return found ?? expect.fail(`no ${kind} among ${kindsOf(said).join()}`);
  }, 5_000);
}

describe("[C4] a validator acks", () => {
  test("a linked line that it stores whole, and the same chunk again with the same signature", async () => {
    const { name, committee } = await fresh();
    const chunks = [sent(first), sent(second)];
    await propose(committee, name, { chunks, target: second.ref });
    expect(await ackedRef(1)).toEqual(second.ref);
    await propose(committee, name, { target: second.ref });
    expect(await ackedRef(2)).toEqual(second.ref);
    const signatures = said.flatMap(({ message }) =>
      message.is === "ack" ? [message.ack.by.signature] : [],
    );
    expect(signatures[1]).toEqual(signatures[0]);
    await abortAllDurableObjects();
    await propose(committee, name, { target: second.ref });
    expect(await ackedRef(3)).toEqual(second.ref);
    const status = value(await validator(name).status());
    expect([status.acked_height, status.certified_height, status.stored_chunks]).toEqual([
      1, -1, 2,
    ]);
  });

  test("what follows a certificate, which makes its line the base", async () => {
    const { name, committee } = await fresh();
    await propose(committee, name, { chunks: [sent(first), sent(second)], target: second.ref });
    await ackedRef(1);
    const certificate = certificateOf(committee, said, second.ref);
    await propose(committee, name, { chunks: [sent(third)], target: third.ref, certificate });
    expect(await ackedRef(2)).toEqual(third.ref);
    await abortAllDurableObjects();
    const status = value(await validator(name).status());
    expect([status.acked_height, status.certified_height]).toEqual([2, 1]);
  });
});

describe("[C4] a validator does not ack", () => {
  const without = { ...sent(second), payload: encodeEvent(opAt(9)) };
  const skipped = chunkAfter(first, [opAt(4)], sequencers.one, { firstOffset: offset(4) });
  const holed = chunkAfter(null, [opAt(1), opAt(3)]);
  const foreign = chunkAfter(null, [opAt(1)], sequencers.one, { chainId: 1 });
  const ahead = chunkAfter(null, [opAt(1)], sequencers.one, { epoch: 1 });
  const impostor = chunkAfter(null, [opAt(1)], sequencers.two);

  test("a chunk whose parent it does not store: it says how far it is", async () => {
    const { name, committee } = await fresh();
    await propose(committee, name, { chunks: [sent(second)], target: second.ref });
    expect((await answered("holds")).message).toEqual({ is: "holds", through: -1 });
    expect(acks()).toEqual([]);
  });

  test.each<[string, Chunk | null]>([
    ["whose payload is another one", null],
    ["whose offsets leave a hole behind its parent", skipped],
    ["whose events leave a hole in its offsets", holed],
  ])("a chunk %s", async (_, chunk) => {
    const { name, committee } = await fresh();
    const bad = chunk === null ? without : sent(chunk);
    const target = chunk?.ref ?? second.ref;
    const chunks = target.height === 0 ? [bad] : [sent(first), bad];
    await propose(committee, name, { chunks, target });
    const { message } = await answered("refused");
    expect(message).toEqual({ is: "refused", why: chunk === skipped ? "link" : "payload" });
    expect(acks()).toEqual([]);
  });

  test.each<[string, Chunk]>([
    ["of another chain", foreign],
    ["of an epoch without a record", ahead],
    ["that somebody else signed", impostor],
  ])("a chunk %s: it does not even store it", async (_, chunk) => {
    const { name, committee } = await fresh();
    await propose(committee, name, { chunks: [sent(chunk)], target: chunk.ref });
    await answered("holds");
    expect(acks()).toEqual([]);
    expect(value(await validator(name).status()).stored_chunks).toBe(0);
  });

  test("for anybody but the leader", async () => {
    const { name, committee } = await fresh();
    const from = LEADER.replaceAll("one", "two");
    const unheard = propose(committee, name, { chunks: [sent(first)], target: first.ref, from });
    await propose(committee, name, { chunks: [sent(first)], target: first.ref });
    expect(await ackedRef(1)).toEqual(first.ref);
    await unheard;
    // Where this takes long, an election may begin, whose messages are no answers.
    const answers: Message["is"][] = ["ack", "holds", "fenced", "refused", "head"];
    const told = said.filter(({ to, message: { is } }) => to === from && answers.includes(is));
    expect(told).toEqual([]);
  });

  test("below what it acked", async () => {
    const { name, committee } = await fresh();
    await propose(committee, name, { chunks: [sent(first), sent(second)], target: second.ref });
    await ackedRef(1);
    await propose(committee, name, { target: first.ref });
    await answered("holds");
    expect(acks()).toHaveLength(1);
  });
});

describe("[C4] two chunks at one height", () => {
  const rival = chunkAfter(first, [opAt(3), opAt(4)]);

  test("that come at once: one is acked, the other is evidence", async () => {
    const { name, committee } = await fresh();
    await Promise.all([
      propose(committee, name, { chunks: [sent(first), sent(second)], target: second.ref }),
      propose(committee, name, { chunks: [sent(first), sent(rival)], target: rival.ref }),
    ]);
    const acked = await ackedRef(1);
    expect((await answered("refused")).message).toEqual({ is: "refused", why: "fork" });
    const lost = acked.hash === second.ref.hash ? rival : second;
    await propose(committee, name, { chunks: [sent(lost)], target: lost.ref });
    await vi.waitFor(async () => {
      expect(value(await validator(name).status()).evidence).toBe(1);
    }, 5_000);
    // Whoever asks a candidate about its health hears of it, too.
    expect((await answered("evidence")).to).toBe(LEADER);
    // From now on the leader is acked no more, also after a restart.
    await abortAllDurableObjects();
    await propose(committee, name, { chunks: [sent(third)], target: third.ref });
    await vi.waitFor(() => {
      expect(kindsOf(said).filter((kind) => kind === "refused").length).toBeGreaterThan(1);
    }, 5_000);
    expect(new Set(acks().map(({ hash }) => hash))).toEqual(new Set([acked.hash]));
    const status = value(await validator(name).status());
    expect([status.evidence, status.acked_height]).toEqual([1, 1]);
  });
});

describe("[C4] an ack is durable before it leaves", () => {
  test("a write that fails lets none out, and a restart begins from what was written", async () => {
    const { name, committee } = await fresh();
    await propose(committee, name, { chunks: [sent(first)], target: first.ref });
    await ackedRef(1);
    await runInDurableObject(validator(name), (_, { storage }) => {
      storage.sql.exec(
        `CREATE TRIGGER no_ack BEFORE UPDATE OF tip_header ON validator_state
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
      );
    });
    await propose(committee, name, { chunks: [sent(second)], target: second.ref });
    await vi.waitFor(async () => {
      expect(value(await validator(name).status()).fault).toBe("store");
    }, 5_000);
    expect(acks()).toHaveLength(1);
    await runInDurableObject(validator(name), (_, { storage }) => {
      storage.sql.exec("DROP TRIGGER no_ack");
    });
    await abortAllDurableObjects();
    const status = value(await validator(name).status());
    expect([status.acked_height, status.stored_chunks]).toEqual([0, 1]);
    await propose(committee, name, { chunks: [sent(second)], target: second.ref });
    expect(await ackedRef(2)).toEqual(second.ref);
  });

  test("whoever dies right after it stands where the ack says", async () => {
    const { name, committee } = await fresh();
    await propose(committee, name, { chunks: [sent(first)], target: first.ref });
    await ackedRef(1);
    await abortAllDurableObjects();
    const rival = chunkAfter(null, [opAt(1)]);
    await propose(committee, name, { chunks: [sent(rival)], target: rival.ref });
    await answered("refused");
    expect(acks()).toEqual([first.ref]);
    expect(value(await validator(name).status()).evidence).toBe(1);
  });
});
