/** With what a candidate begins where validators let go of the first chunks: when it asks, and what it believes. */

import { describe, expect, test } from "vitest";
import type { FoundBeginning } from "../../src/consensus/beginnings.ts";
import { MemoryRecordStore, recordChainManager } from "../../src/consensus/epoch-manager.ts";
import { Fetcher } from "../../src/consensus/fetcher.ts";
import type { Beginning, Message } from "../../src/consensus/messages.ts";
import { checkLinkage } from "../../src/consensus/payload.ts";
import { MemoryPayloadStore, type PayloadStore } from "../../src/consensus/payload-store.ts";
import { EMPTY_LINE } from "../../src/core/consensus/line.ts";
import { epoch } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { commitMany } from "./live.ts";
import { testJudge } from "./test-scheme.ts";
import { World } from "./world.ts";

type Rig = {
  readonly world: World;
  readonly fetcher: Fetcher;
  readonly taken: FoundBeginning[];
  readonly asked: string[];
  store(): PayloadStore;
  /** Until the log has what is certified at the validators; false: it never has. */
  followAll(rounds?: number): Promise<boolean>;
};

type Options = { readonly isWanted?: boolean; readonly lie?: (one: Beginning) => Beginning };

/** An empty candidate beside a log of twenty certified blocks. */
async function rig({ isWanted = false, lie = (one) => one }: Options = {}): Promise<Rig> {
  const world = await World.create();
  await commitMany(world, 20);
  await world.run(2_000);
  world.candidate(1).crash();
  const { timeline, network, judge, random, genesis } = world.ground;
  const clock = {
    nowMs: () => timeline.nowMs,
    at: (atMs: number, run: () => void) => timeline.at(atMs, run),
  };
  let store = new MemoryPayloadStore(EMPTY_LINE);
  const [taken, asked]: [FoundBeginning[], string[]] = [[], []];
  const swapped: PayloadStore = {
    ends: () => store.ends(),
    adopt: (from, entries) => store.adopt(from, entries),
    certify: (certificate) => store.certify(certificate),
    prune: (through) => store.prune(through),
    prunedThrough: () => store.prunedThrough(),
    page: (from, through, bytesMax) => store.page(from, through, bytesMax),
    certificateFor: (height) => store.certificateFor(height),
    takeover: () => store.takeover(),
    saveTakeover: (at) => store.saveTakeover(at),
  };
  const records = new MemoryRecordStore(genesis.signed);
  const manager = await recordChainManager({ judge, store: records, genesis: genesis.known.hash });
  const transport = network.endpoint("c1");
  const around = { clock, random: () => random.unit(), transport, judge: testJudge };
  const begin = {
    isWanted: () => isWanted && taken.length === 0,
    take: async (found: FoundBeginning) => {
      taken.push(found);
      const { header } = found.entry.signed;
      const before = { height: header.height - 1, hash: header.parent };
      store = new MemoryPayloadStore({
        ...before,
        epoch: epoch(0),
        nextOffset: header.firstOffset,
      });
      await store.adopt(header.height, [found.entry]);
      return true;
    },
  };
  const options = { manager, placeOf: () => null, checkPayload: checkLinkage, answerMs: 1_000 };
  const fetcher = new Fetcher({ ...options, store: swapped, begin }, around);
  transport.listen((from: string, message: Message) => {
    if (message.is === "chunks") fetcher.receive(from, message);
    if (message.is !== "beginning") return;
    asked.push(from);
    const { beginning } = message;
    fetcher.receive(from, { ...message, beginning: beginning === null ? null : lie(beginning) });
  });
  const end = must(world.validator(0).store.image.durable.lock, "twenty are certified").chunk;
  const followAll = async (rounds = 60): Promise<boolean> => {
    for (let round = 0; round < rounds; round++) {
      await world.settle(fetcher.follow());
      if ((await store.ends()).certified.hash === end.hash) return true;
    }
    return false;
  };
  return { world, fetcher, taken, asked, store: () => store, followAll };
}

function forget(world: World, below: number, but: readonly number[] = []): void {
  for (const [i, { store }] of world.validators.entries()) {
    if (!but.includes(i)) store.forget(below);
  }
}

const heightsOf = ({ taken }: Rig) => taken.map(({ entry }) => entry.ref.height);

describe("[C6] a candidate without a log", () => {
  test("begins with a chunk that is kept, and follows what is behind it", async () => {
    const one = await rig();
    forget(one.world, 7);
    expect(await one.followAll()).toBe(true);
    expect(heightsOf(one)).toEqual([7]);
    expect((await one.store().page(0, 6, 1)).length).toBe(0);
    one.world.stop();
  });

  test("begins with the first chunk where a single validator keeps it", async () => {
    const one = await rig();
    forget(one.world, 7, [2]);
    expect(await one.followAll()).toBe(true);
    expect([heightsOf(one), one.asked]).toEqual([[], []]);
    one.world.stop();
  });

  test("begins with a kept chunk nevertheless where its owner wants one", async () => {
    const one = await rig({ isWanted: true });
    forget(one.world, 7, [0, 1, 2]);
    for (const { store } of one.world.validators) store.begins(7);
    expect(await one.followAll()).toBe(true);
    expect(heightsOf(one)).toEqual([7]);
    one.world.stop();
  });

  test("asks for none while it follows, or where nothing was let go of", async () => {
    const one = await rig();
    expect(await one.followAll()).toBe(true);
    for (let round = 0; round < 20; round++) await one.world.settle(one.fetcher.follow());
    expect([heightsOf(one), one.asked]).toEqual([[], []]);
    one.world.stop();
  });

  test("has none from validators that have none, and asks again", async () => {
    const one = await rig();
    forget(one.world, 1_000);
    expect(await one.followAll(30)).toBe(false);
    expect(heightsOf(one)).toEqual([]);
    expect(one.asked.length).toBeGreaterThan(2);
    one.world.stop();
  });
});

describe("[C6] a beginning is not believed", () => {
  const flip = (bytes: Uint8Array): Uint8Array =>
    bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  const lies: readonly (readonly [string, (one: Beginning) => Beginning])[] = [
    [
      "with another payload",
      (one) => ({ ...one, chunk: { ...one.chunk, payload: flip(one.chunk.payload) } }),
    ],
    [
      "with a header that its leader did not sign",
      ({ chunk, ...rest }) => {
        const { signed } = chunk;
        return {
          ...rest,
          chunk: { ...chunk, signed: { ...signed, signature: flip(signed.signature) } },
        };
      },
    ],
    [
      "of an older chunk than the certificate is for",
      (one) => ({ ...one, above: [...one.above, one.chunk.signed.header] }),
    ],
    [
      "with a certificate that too few signed",
      (one) => {
        const { certificate } = one;
        const { signatures } = certificate;
        const bytes = signatures.signatures.slice(1);
        return {
          ...one,
          certificate: { ...certificate, signatures: { ...signatures, signatures: bytes } },
        };
      },
    ],
  ];
  test.each(lies)("%s", async (_what, lie) => {
    const one = await rig({ lie });
    forget(one.world, 7);
    expect(await one.followAll(30)).toBe(false);
    expect(one.asked.length).toBeGreaterThan(0);
    expect(heightsOf(one)).toEqual([]);
    one.world.stop();
  });

  test("by one that others answer rightly: it asks on", async () => {
    let told = 0;
    const one = await rig({
      lie: (beginning) => {
        told += 1;
        const { chunk } = beginning;
        return told > 1
          ? beginning
          : { ...beginning, chunk: { ...chunk, payload: flip(chunk.payload) } };
      },
    });
    forget(one.world, 7);
    expect(await one.followAll()).toBe(true);
    expect([heightsOf(one), told]).toEqual([[7], 2]);
    one.world.stop();
  });
});
