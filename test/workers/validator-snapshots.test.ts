/** The states that a validator keeps for whoever rebuilds: of certified seals, by their hash alone (C4). */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { sha256 } from "@noble/hashes/sha2.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SNAPSHOT_PART_BYTES } from "../../src/core/api/committee-api.ts";
import type { ChunkEvent } from "../../src/core/chunk/event.ts";
import { messagePreimage } from "../../src/core/consensus/message-preimage.ts";
import { type Hash32, hash32, hashFromBytes, toHex } from "../../src/core/types/hex.ts";
import { batchNonce } from "../../src/core/types/units.ts";
import {
  APP,
  CHAIN_ID,
  type Chunk,
  chunkAfter,
  ERA,
  opAt,
  rollbackAt,
  sequencers,
} from "../support/committee.ts";
import { ORIGIN, refusalOf } from "./requests.ts";
import {
  type Committee,
  catchMessages,
  certificateOf,
  configure,
  found,
  LEADER,
  propose,
  type Said,
  sent,
  validator,
  value,
} from "./support/committee-rig.ts";

const urlOf = (name: string): string => `${ORIGIN}/committee/validator/${name}`;
const MIB = SNAPSHOT_PART_BYTES;
let said: Said[] = [];
let asked: string[] = [];
let served = new Map<string, Uint8Array>();
let next = 0;

beforeEach(() => {
  configure();
  [asked, served] = [[], new Map()];
  said = catchMessages(serve);
});
afterEach(() => void vi.restoreAllMocks());

/** As a leader would: parts by hash, to those who ask in their own name. */
function serve(request: Request): Promise<Response | null> {
  const [, hash, part] = /\/snapshot\/(0x[0-9a-f]{64})\/([0-9]+)$/.exec(request.url) ?? [];
  if (hash === undefined) return Promise.resolve(null);
  asked.push(
    `${part} of ${[...served.keys()].indexOf(hash)} for ${request.headers.get("x-baton-receiver") === request.url}`,
  );
  const from = Number(part) * MIB;
  const bytes = served.get(hash)?.slice(from, from + MIB);
  const isThere = bytes !== undefined && bytes.length > 0;
  return Promise.resolve(new Response(isThere ? bytes : null, { status: isThere ? 200 : 404 }));
}

/** A state of this many bytes, which the leader serves. */
function stateOf(bytes: number, fill: number): Hash32 {
  const state = new Uint8Array(bytes).fill(fill);
  const hash = hashFromBytes(sha256(state));
  served.set(hash, state);
  return hash;
}

function seal(stateHash: Hash32): ChunkEvent {
  const payloadHash = hash32(`0x${"ab".repeat(32)}`);
  return { kind: "seal", batchNonce: batchNonce(0), payloadHash, stateHash, executedInputs: 1 };
}

/** Stored and certified, and the validator had its pulse. */
async function certify(
  committee: Committee,
  name: string,
  ...chunks: readonly Chunk[]
): Promise<readonly string[]> {
  const chunk = chunks.at(-1) ?? expect.unreachable("a chunk");
  await propose(committee, name, { chunks: chunks.map(sent), target: chunk.ref });
  await vi.waitFor(() => {
    const acks = said.flatMap(({ message }) =>
      message.is === "ack" ? [message.ack.statement] : [],
    );
    expect(acks.map(({ chunkHash }) => chunkHash)).toContain(chunk.ref.hash);
  }, 5_000);
  await propose(committee, name, { certificate: certificateOf(committee, said, chunk.ref) });
  await vi.waitFor(async () => {
    const { certified_height } = value(await validator(name).status());
    expect(certified_height).toBe(chunk.ref.height);
  }, 5_000);
  await runDurableObjectAlarm(validator(name));
  return value(await validator(name).status()).snapshots;
}

async function fresh(): Promise<{ name: string; committee: Committee }> {
  const name = `v${next++}`;
  return { name, committee: await found([name], urlOf) };
}

describe("[C4] a validator keeps a snapshot", () => {
  test("of a certified seal, in parts that it asks its leader for", async () => {
    const { name, committee } = await fresh();
    const hash = stateOf(2 * MIB + 1, 7);
    const first = chunkAfter(null, [opAt(1), seal(hash)]);
    await propose(committee, name, { chunks: [sent(first)], target: first.ref });
    await runDurableObjectAlarm(validator(name));
    expect(asked).toEqual([]);
    expect(await certify(committee, name, first)).toEqual([hash]);
    expect(asked).toEqual(["0 of 0 for true", "1 of 0 for true", "2 of 0 for true"]);
    const parts = await Promise.all(
      [0, 1, 2].map((part) => validator(name).snapshotPart(hash, part)),
    );
    expect(parts.map((part) => value(part).length)).toEqual([MIB, MIB, 1]);
    expect((await validator(name).snapshotPart(hash, 3)).ok).toBe(false);
  });

  test.each([MIB, MIB - 1, 1])("of %i bytes", async (bytes) => {
    const { name, committee } = await fresh();
    const hash = stateOf(bytes, 8);
    const first = chunkAfter(null, [opAt(1), seal(hash)]);
    expect(await certify(committee, name, first)).toEqual([hash]);
    expect(value(await validator(name).snapshotPart(hash, 0)).length).toBe(bytes);
  });

  test("never of bytes that are another state: it asks again", async () => {
    const { name, committee } = await fresh();
    const hash = stateOf(5, 9);
    served.set(hash, new Uint8Array(5).fill(1));
    const first = chunkAfter(null, [opAt(1), seal(hash)]);
    expect(await certify(committee, name, first)).toEqual([]);
    expect((await validator(name).snapshotPart(hash, 0)).ok).toBe(false);
    served.set(hash, new Uint8Array(5).fill(9));
    await runDurableObjectAlarm(validator(name));
    expect(value(await validator(name).status()).snapshots).toEqual([hash]);
  });

  test("for the newest two seals, few older ones, and none that a certified rollback made void", async () => {
    const { name, committee } = await fresh();
    const [zero, one] = [stateOf(4, 4), stateOf(1, 1)];
    const [two, three] = [stateOf(2, 2), stateOf(3, 3)];
    const first = chunkAfter(null, [opAt(1), seal(zero)]);
    const a = chunkAfter(first, [opAt(2), seal(one)]);
    const b = chunkAfter(a, [opAt(3), seal(two)]);
    const c = chunkAfter(b, [opAt(4), seal(three)]);
    expect(await certify(committee, name, first)).toEqual([zero]);
    expect(await certify(committee, name, a)).toEqual([one, zero]);
    expect(await certify(committee, name, b)).toEqual([two, one, zero]);
    // Between the oldest and the newest two no other one is an hour older than the next.
    expect(await certify(committee, name, c)).toEqual([three, two, zero]);
    const d = chunkAfter(c, [rollbackAt(5, 3), opAt(6)]);
    expect(await certify(committee, name, d)).toEqual([two, zero]);
    expect((await validator(name).snapshotPart(three, 0)).ok).toBe(false);
  });
});

describe("[C6] a validator that has no room", () => {
  const lowest = (name: string): Promise<unknown> =>
    runInDurableObject(validator(name), (_object, { storage }) =>
      storage.sql.exec("SELECT MIN(height) AS n FROM chunks WHERE is_certified = 1").one(),
    );
  /** More than it keeps as recent ones. */
  function many(after: Chunk | null, seal: ChunkEvent | null): readonly Chunk[] {
    const chunks: Chunk[] = [];
    for (let i = 0; i < 70; i++) {
      const before = chunks.at(-1) ?? after;
      const next = before === null ? 1 : before.header.header.nextOffset;
      chunks.push(chunkAfter(before, [opAt(next), ...(i === 0 && seal !== null ? [seal] : [])]));
    }
    return chunks;
  }

  test("lets go of chunks behind one with the seal of a state that it keeps, and of no other", async () => {
    configure({ SEQ_ARCHIVE_CHUNKS: "1" });
    const { name, committee } = await fresh();
    const first = many(null, null);
    await certify(committee, name, ...first);
    await runDurableObjectAlarm(validator(name));
    expect(await lowest(name)).toEqual({ n: 0 });
    const hash = stateOf(9, 6);
    expect(await certify(committee, name, ...many(first.at(-1) ?? null, seal(hash)))).toEqual([
      hash,
    ]);
    await runDurableObjectAlarm(validator(name));
    expect(await lowest(name)).toEqual({ n: 70 });
  });

  test("keeps all that it has room for", async () => {
    configure({ SEQ_ARCHIVE_CHUNKS: "150" });
    const { name, committee } = await fresh();
    const first = many(null, null);
    await certify(committee, name, ...first);
    await certify(committee, name, ...many(first.at(-1) ?? null, seal(stateOf(9, 7))));
    await runDurableObjectAlarm(validator(name));
    expect(await lowest(name)).toEqual({ n: 0 });
  });
});

describe("[C9] a part over HTTPS", () => {
  function question(to: string, from = LEADER, signer = sequencers.one): Record<string, string> {
    const [sentAtMs, bodyHash] = [Date.now(), sha256(new Uint8Array(0))];
    const of = { chainId: CHAIN_ID, app: APP, era: ERA, from, to, sentAtMs, bodyHash };
    return {
      "x-baton-sender": from,
      "x-baton-receiver": to,
      "x-baton-sent-at": `${sentAtMs}`,
      "x-baton-signature": toHex(signer.sign(messagePreimage(of))),
    };
  }
  const ask = (url: string, headers: Record<string, string>): Promise<Response> =>
    exports.default.fetch(new Request(url, { headers }));

  test("is for the committee alone, and for the part that was asked for", async () => {
    const { name, committee } = await fresh();
    const hash = stateOf(3, 4);
    await certify(committee, name, chunkAfter(null, [opAt(1), seal(hash)]));
    const url = `${urlOf(name)}/snapshot/${hash}/0`;
    const answer = await ask(url, question(url));
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array(3).fill(4));
    const forged = await ask(url, question(url, LEADER, sequencers.two));
    expect((await refusalOf(forged))[0]).toBe(401);
    const stranger = question(url, "https://x.example/committee/sequencer/x");
    expect((await refusalOf(await ask(url, stranger)))[0]).toBe(401);
    expect((await refusalOf(await ask(url, {})))[0]).toBe(400);
    const other = question(`${urlOf(name)}/snapshot/${hash}/1`);
    expect((await refusalOf(await ask(url, other)))[2]).toBe("another part is asked for");
    const beyond = `${urlOf(name)}/snapshot/${hash}/1`;
    expect((await ask(beyond, question(beyond))).status).toBe(404);
  });
});
