/** The steps by which a log is begun beyond its first chunk: whose state is taken, and what ends it. */

import { afterEach, expect, test, vi } from "vitest";
import { SNAPSHOT_PART_BYTES } from "../../src/core/api/committee-api.ts";
import { decodeHeader } from "../../src/core/chunk/header.ts";
import { chunkRef } from "../../src/core/consensus/signed-header.ts";
import { assert, must } from "../../src/core/types/assert.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { LogBeginning } from "../../src/durable-objects/sequencer/begin-log.ts";
import { Endpoints } from "../../src/durable-objects/sequencer/endpoints.ts";
import { ResetNeeded } from "../../src/durable-objects/sequencer/storage/log-store.ts";
import { isResetting } from "../../src/durable-objects/sequencer/storage/replica-reset.ts";
import type { Scene } from "./scene.ts";
import { eventsOf, play, snapshotting } from "./scenes.ts";
import { bytesOf, type Site, type Written } from "./site.ts";

afterEach(() => void vi.restoreAllMocks());

const options = snapshotting(2);
const committee = { candidates: [], validators: [] };
const scene = await play(2, { ...options, config: { ...options.config, committee } });
await scene.leader.read();

/** The last seal of a state in the chunk. */
function sealOf(chunk: Written) {
  const seal = eventsOf(chunk).findLast((event) => event.kind === "seal");
  return seal?.kind === "seal" ? seal : null;
}

/** Its bytes in the leader's tables; empty where that has deleted it. */
function stateOf({ leader }: Scene, hash: string): Uint8Array {
  const rows = leader.storage.read(
    "SELECT s.sha256, p.bytes FROM snapshots s JOIN snapshot_parts p USING (snapshot_id)",
  );
  const row = rows.find((one) => toHex(bytesOf(one["sha256"])) === hash);
  return row === undefined ? new Uint8Array(0) : bytesOf(row["bytes"]);
}

const ACCEPTED = new Set(
  scene.leader.storage
    .read("SELECT b.payload_hash FROM safe_accepted_batches a JOIN batches b USING (batch_index)")
    .map((row) => toHex(bytesOf(row["payload_hash"]))),
);

/** Height of the newest chunk whose seal is accepted on L1, with its state. */
const at = scene.log.findLastIndex((chunk, height) => {
  const seal = sealOf(chunk);
  const isOne = height > 0 && seal !== null && ACCEPTED.has(seal.payloadHash);
  return isOne && stateOf(scene, seal.stateHash).length > 0;
});
const chunk = must(scene.log[at], "an accepted state");
const state = stateOf(scene, must(sealOf(chunk), "its seal").stateHash);

function entryOf(one: Written) {
  const header = decodeHeader(one.header);
  assert(header.ok, "C1: a header decodes");
  const signed = { header: header.value, ...must(one.signature, "a signature") };
  return { ref: chunkRef(header.value), signed, bytes: one.events, place: null };
}

type Rig = { readonly site: Site; readonly beginning: LogBeginning; planned: number };

function rig(): Rig & { readonly hooks: ReturnType<LogBeginning["hooks"]> } {
  const site = scene.newSite();
  const beginning = new LogBeginning(site.runtime);
  const made: Rig = { site, beginning, planned: 0 };
  const hooks = beginning.hooks(
    (era) => site.follower(era),
    () => chunk,
    () => {
      made.planned += 1;
    },
  );
  return Object.assign(made, { hooks });
}

const found = { entry: entryOf(chunk), certificate: null };

/** What each endpoint answers for a part; null: it has none. */
type Answers = Readonly<Record<string, Uint8Array | null>>;

async function step({ site, beginning }: Rig, answers: Answers): Promise<boolean> {
  const ask = (endpoint: string, _hash: string, part: number): Promise<Uint8Array | null> => {
    const from = part * SNAPSHOT_PART_BYTES;
    const bytes = answers[endpoint]?.slice(from, from + SNAPSHOT_PART_BYTES) ?? null;
    return Promise.resolve(bytes?.length === 0 ? null : bytes);
  };
  const source = { endpoints: Object.keys(answers), ask };
  const reading = { connect: new Endpoints(site.runtime).connect, sliceBlocks: 10_000 };
  const stepped = await beginning.step(site.follower(scene.era), source, reading);
  site.storage.commitTurn();
  assert(stepped.ok, "L1 answers");
  return stepped.value.isMoreDue;
}

const count = ({ site }: Rig, table: string): number =>
  Number(site.storage.read(`SELECT COUNT(*) AS n FROM ${table}`)[0]?.["n"]);

test("[C6] wrong bytes are dropped, whoever is next is asked, and the log begins", async () => {
  const one = rig();
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  expect(await one.hooks.take(found)).toBe(true);
  expect([one.planned, one.beginning.isUnderWay]).toEqual([1, true]);
  const wrong = state.map((byte) => byte ^ 1);
  const answers = { a: wrong, b: null, c: state };
  await step(one, answers);
  expect(warned.mock.calls.join()).toContain("snapshot-mismatch");
  expect(count(one, "replica_parts")).toBe(0);
  await step(one, answers);
  expect(count(one, "replica_parts")).toBe(0);
  for (let i = 0; i < 5 && one.beginning.isUnderWay; i++) await step(one, answers);
  expect([count(one, "history"), count(one, "replica_parts")]).toEqual([1, 0]);
});

test("[C6] a life that ends goes on with the parts that it has", async () => {
  const one = rig();
  await one.hooks.take(found);
  one.site.storage.commitTurn();
  one.site.die();
  const again: Rig = { site: one.site, beginning: new LogBeginning(one.site.runtime), planned: 0 };
  expect(again.beginning.isUnderWay).toBe(true);
  for (let i = 0; i < 5 && again.beginning.isUnderWay; i++) await step(again, { a: state });
  expect(count(again, "history")).toBe(1);
});

test("[C6] a state that nobody has any more is forgotten, after each was asked twice", async () => {
  const one = rig();
  await one.hooks.take(found);
  for (let i = 0; i < 3; i++) await step(one, { a: null, b: null });
  expect(isResetting(one.site.storage.view)).toBe(false);
  await step(one, { a: null, b: null });
  expect(isResetting(one.site.storage.view)).toBe(true);
  expect(await one.hooks.take(found)).toBe(false);
});

test("[C6] a log that ends before it is given up for it, and one that reaches it is not", async () => {
  const one = rig();
  one.site.receive(scene.log.slice(0, 1), 0);
  await expect(one.hooks.take(found)).rejects.toBeInstanceOf(ResetNeeded);
  const other = rig();
  other.site.receive(scene.log.slice(0, at + 1), 0);
  expect(await other.hooks.take(found)).toBe(false);
});

test("[R5] a first chunk that is refused is given up for any state that there is", async () => {
  const one = rig();
  one.site.receive(scene.log.slice(0, 1), 0);
  expect(one.hooks.isWanted()).toBe(false);
  one.beginning.want();
  expect(one.hooks.isWanted()).toBe(true);
  await expect(one.hooks.take(found)).rejects.toBeInstanceOf(ResetNeeded);
  const [again, emptied] = [rig(), one.hooks.isWanted()];
  expect(emptied).toBe(true);
  again.beginning.want();
  expect(await again.hooks.take(found)).toBe(true);
  expect(again.hooks.isWanted()).toBe(false);
});

test("[C6] a rollback that voids the seal ends it, and one that keeps it does not", async () => {
  const one = rig();
  await one.hooks.take(found);
  const follower = (era: Uint8Array) => one.site.follower(era);
  const later = scene.log.slice(at + 1).map(entryOf);
  one.beginning.checkAgainst(follower, later);
  const voiding = scene.log.find((other) => {
    const [begin] = eventsOf(other);
    const head = entryOf(chunk).signed.header.firstOffset - 1;
    return begin?.kind === "rollback" && begin.keepThrough < head;
  });
  const entries = [entryOf(must(voiding, "one that keeps less"))];
  expect(() => one.beginning.checkAgainst(follower, entries)).toThrow(ResetNeeded);
});
