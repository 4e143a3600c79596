/** Followers of a log whose first chunks are gone: which state they may begin from, and that they end the same. */

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { decodeEvents } from "../../src/core/chunk/event.ts";
import { formatRecord } from "../../src/core/feed/record.ts";
import { must } from "../../src/core/types/assert.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";
import { rebuildMemory } from "../../src/durable-objects/sequencer/memory.ts";
import { planBeginning } from "../../src/durable-objects/sequencer/plan-beginning.ts";
import {
  beginFromSnapshot,
  isUnsettled,
  settleLandings,
} from "../../src/durable-objects/sequencer/replica-snapshot.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { size } from "../support/size.ts";
import type { Options } from "./options.ts";
import { Scene } from "./scene.ts";
import { eventsOf, play, snapshotting } from "./scenes.ts";
import { bytesOf, logOf, type Site, type Written } from "./site.ts";

const ALL = 2 ** 31;

/** The chunk of a seal, and the state that it names. */
type LogSnapshot = { readonly chunk: Written; readonly state: Uint8Array };
type Kept = { readonly height: number; readonly nonce: number; readonly snapshot: LogSnapshot };

/** What a validator that keeps every state would have. */
function keptOf(scene: Scene): readonly Kept[] {
  const states = new Map(
    scene.leader.storage
      .read(
        `SELECT s.sha256, p.bytes FROM snapshots s JOIN snapshot_parts p USING (snapshot_id)
         WHERE part = 0`,
      )
      .map((row) => [toHex(bytesOf(row["sha256"])), bytesOf(row["bytes"])]),
  );
  return scene.log.flatMap((chunk, height) => {
    const seal = eventsOf(chunk).findLast((event) => event.kind === "seal");
    const state = seal?.kind === "seal" ? states.get(seal.stateHash) : undefined;
    if (seal?.kind !== "seal" || state === undefined || height === 0) return [];
    return [{ height, nonce: seal.batchNonce, snapshot: { chunk, state } }];
  });
}

/** The valid batches that L1 accepted, in the leader's tables. */
function acceptedOf({ leader }: Scene): ReadonlyMap<number, string> {
  const rows = leader.storage.read(
    "SELECT a.nonce, b.payload_hash FROM safe_accepted_batches a JOIN batches b USING (batch_index)",
  );
  return new Map(rows.map((row) => [Number(row["nonce"]), toHex(bytesOf(row["payload_hash"]))]));
}

function isAccepted(accepted: ReadonlyMap<number, string>, { snapshot, nonce }: Kept): boolean {
  const events = decodeEvents(snapshot.chunk.events);
  return (
    events.ok &&
    events.value.some((one) => one.kind === "seal" && accepted.get(nonce) === one.payloadHash)
  );
}

/** Only under a committee a log tells what it amounts to. */
function committed(seed: number): Options {
  const options = snapshotting(seed);
  const committee = { candidates: [], validators: [] };
  return { ...options, config: { ...options.config, committee } };
}

/** Takes over from the state, up to the end of the log. */
async function beginAt(scene: Scene, { height, snapshot }: Kept): Promise<Site> {
  const site = scene.newSite();
  const follower = site.follower(scene.era);
  expect(planBeginning(follower, snapshot.chunk)).toEqual({ ok: true, value: null });
  expect(planBeginning(follower, snapshot.chunk)).toEqual({ ok: true, value: null });
  site.storage.commitTurn();
  expect(beginFromSnapshot(follower, snapshot.state)).toEqual({ ok: false, error: "unread" });
  await site.read(scene.chain.safe.number);
  expect(beginFromSnapshot(follower, snapshot.state)).toEqual({ ok: true, value: null });
  site.storage.commitTurn();
  const { log } = scene;
  site.receive(log.slice(height + 1), height + 1);
  const answer = await site.follow(follower, log.length - 1);
  expect(answer).toMatchObject({ through: log.length - 1, problem: null });
  if (isUnsettled(site.storage.view)) settleLandings(site.runtime);
  site.storage.commitTurn();
  return site;
}

const SEEDS = Array.from({ length: size(4, 150) }, (_, i) => i + 1);

test.each(SEEDS)(
  "[C1, C6] seed %i: from an accepted state and its chunks, all is there that counts",
  async (seed) => {
    const scene = await play(seed, committed(seed));
    await scene.leader.read();
    const accepted = acceptedOf(scene);
    const kept = keptOf(scene).filter((one) => isAccepted(accepted, one));
    for (const one of new Set([kept[0], kept.at(-1)])) {
      if (one === undefined) continue;
      const site = await beginAt(scene, one);
      expectSameFrom(site, scene, one);
      site.storage.close();
    }
  },
);

test.each(SEEDS)("[R5, C6] seed %i: a rebuilt era is begun with a later state", async (seed) => {
  const scene = new Scene(committed(seed));
  scene.burden(24);
  await scene.foundRebuilt();
  for (let i = 0; i < 60; i++) await scene.act();
  await scene.leader.read();
  const accepted = acceptedOf(scene);
  const one = keptOf(scene).findLast((kept) => isAccepted(accepted, kept));
  if (one === undefined) return;
  const site = await beginAt(scene, one);
  expectSameFrom(site, scene, one);
});

function expectSameFrom(site: Site, { leader, log }: Scene, { height, nonce }: Kept): void {
  expect(site.live.state.snapshot()).toEqual(leader.live.state.snapshot());
  expect(site.live.log).toEqual(leader.live.log);
  const woken = must(rebuildMemory(site.runtime), "a history");
  expect(woken.state.snapshot()).toEqual(leader.live.state.snapshot());
  const [begun] = site.storage.read("SELECT available_from AS n, generation FROM history");
  const from = offset(Number(must(begun, "a history")["n"]));
  const [ours, theirs] = [site, leader].map(({ storage }) => ({
    feed: digest(...recordsAfter(storage.view, from, ALL).map(formatRecord)),
    chunks: logOf(storage)
      .slice(-(log.length - height))
      .map(({ header, events }) => digest(header, events)),
    generation: storage.read("SELECT generation FROM history"),
    watermark: storage.read("SELECT watermark FROM wallet_nonce_watermark"),
    // Whatever may still be posted, and what was accepted since.
    sealed: storage.read(
      "SELECT nonce, payload_hash, payload_bytes FROM valid_closed_batches WHERE nonce >= ? ORDER BY nonce",
      nonce,
    ),
    accepted: storage.read(
      `SELECT safe_input_index, nonce, first_frame_safe_block, inclusion_block
       FROM safe_accepted_batches WHERE nonce >= ? ORDER BY nonce`,
      nonce,
    ),
    frames: storage.read(
      `SELECT b.nonce, f.frame_in_batch, f.fee, f.safe_block FROM frames f
       JOIN valid_batches b USING (batch_index) WHERE b.nonce >= ? ORDER BY 1, 2`,
      nonce,
    ),
    head: storage.read("SELECT block_number, block_hash FROM l1_safe_head"),
    diverged: storage.read("SELECT * FROM canonical_divergence"),
  }));
  expect(ours).toEqual(theirs);
}

/** Megabytes are compared by their hash. */
function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

test("[C6] a state that L1 has not accepted, or another one, begins nothing", async () => {
  const scene = await play(2, committed(2));
  await scene.leader.read();
  const accepted = acceptedOf(scene);
  const kept = keptOf(scene);
  const young = must(
    kept.findLast((one) => !isAccepted(accepted, one)),
    "an unaccepted state",
  );
  const site = scene.newSite();
  const follower = site.follower(scene.era);
  expect(planBeginning(follower, young.snapshot.chunk).ok).toBe(true);
  await site.read(scene.chain.safe.number);
  const early = beginFromSnapshot(follower, young.snapshot.state);
  expect(early.ok ? null : early.error).toMatch(/unread|landing/);
  const old = must(
    kept.find((one) => isAccepted(accepted, one)),
    "an accepted state",
  );
  expect(planBeginning(follower, old.snapshot.chunk)).toEqual({ ok: false, error: "tables" });
  const { state, chunk } = old.snapshot;
  const other = state.map((byte, i) => (i === state.length - 1 ? byte ^ 1 : byte));
  const lied = scene.newSite();
  const begun = lied.follower(scene.era);
  expect(planBeginning(begun, chunk).ok).toBe(true);
  await lied.read(scene.chain.safe.number);
  expect(beginFromSnapshot(begun, other)).toEqual({ ok: false, error: "state" });
  expect(beginFromSnapshot(begun, state)).toEqual({ ok: true, value: null });
  const empty = scene.newSite().follower(scene.era);
  const sealless = must(
    scene.log.slice(1).find((one) => eventsOf(one).every(({ kind }) => kind !== "seal")),
    "a chunk",
  );
  expect(planBeginning(empty, sealless)).toEqual({ ok: false, error: "seal" });
  const events = chunk.events.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  expect(planBeginning(empty, { ...chunk, events })).toEqual({ ok: false, error: "chunk" });
  const elsewhere = scene.newSite().follower(new Uint8Array(16).fill(1));
  expect(planBeginning(elsewhere, old.snapshot.chunk)).toEqual({ ok: false, error: "chunk" });
  expect(site.storage.read("SELECT * FROM history")).toEqual([]);
});
