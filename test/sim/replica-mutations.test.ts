/** A log with one event changed, signed anew by whoever led: what a follower refuses, and what it cannot know. */

import { concatBytes } from "@noble/hashes/utils.js";
import { expect, test } from "vitest";
import { type ChunkEvent, encodeEvent } from "../../src/core/chunk/event.ts";
import { chunkHash, decodeHeader, encodeHeader } from "../../src/core/chunk/header.ts";
import { leafHash, merkleRoot } from "../../src/core/chunk/merkle.ts";
import { must } from "../../src/core/types/assert.ts";
import { type Hash32, hashFromBytes } from "../../src/core/types/hex.ts";
import { rebuildMemory } from "../../src/durable-objects/sequencer/memory.ts";
import { projectedThrough } from "../../src/durable-objects/sequencer/replica.ts";
import { size } from "../support/size.ts";
import { drawOptions } from "./options.ts";
import { Random } from "./random.ts";
import { type Act, Scene } from "./scene.ts";
import { eventsOf } from "./scenes.ts";
import type { Site, Written } from "./site.ts";

// biome-ignore format: one list
const SCRIPT: readonly (Act | "transfer")[] = [
  "op", "mine", "mine", "frame", "op", "seal", "watermark", "op", "mine", "frame", "land", "mine", "frame",
  "op", "seal", "op", "mine", "frame", "seal", "cascade", "op", "mine", "frame", "seal", "op", "transfer",
  "op", "mine", "frame", "watermark", "op", "seal", "land", "mine", "frame", "op",
];

/** Two leaders' work with every kind of event in it, and no large inputs. */
async function smallScene(): Promise<Scene> {
  const scene = new Scene(drawOptions(1));
  await scene.leader.found();
  for (const kind of SCRIPT) {
    if (kind !== "transfer") {
      await scene.actAs(kind);
      continue;
    }
    // All of it is inherited.
    scene.certified = scene.log.length - 1;
    await scene.transfer();
  }
  return scene;
}

/** The events of a chunk with one of them changed, left out or told twice. */
type Mutation = {
  readonly name: string;
  readonly height: number;
  readonly event: ChunkEvent;
  readonly field: string;
  readonly events: readonly ChunkEvent[];
};

function mutationsOf(log: readonly Written[]): readonly Mutation[] {
  return log.flatMap((chunk, height) => {
    const events = eventsOf(chunk);
    return events.flatMap((event, index) =>
      variantsOf(event).map(({ field, instead }) => ({
        name: `${field} of ${event.kind} ${index} at ${height}`,
        ...{ height, event, field },
        events: events.toSpliced(index, 1, ...instead),
      })),
    );
  });
}

type Variant = { readonly field: string; readonly instead: readonly ChunkEvent[] };

function variantsOf(event: ChunkEvent): readonly Variant[] {
  const changed = Object.entries(event).flatMap(([field, value]) =>
    changesOf(value).map((other) => ({ field, instead: [{ ...event, [field]: other }] })),
  );
  return [
    ...changed,
    { field: "absence", instead: [] },
    { field: "repetition", instead: [event, event] },
  ];
}

/** Values near this one, of its kind; none of the event's kind itself. */
function changesOf(value: unknown): readonly unknown[] {
  if (typeof value === "number") return value === 0 ? [1] : [value - 1, value + 1];
  if (value instanceof Uint8Array) {
    const flipped = value.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
    return value.length === 0 ? [Uint8Array.of(1)] : [flipped, value.slice(1)];
  }
  if (typeof value !== "string" || !value.startsWith("0x")) return [];
  const other = value.endsWith("0") ? "1" : "0";
  const zero = `0x${"00".repeat((value.length - 2) / 2)}`;
  return [...new Set([`${value.slice(0, -1)}${other}`, zero])].filter((one) => one !== value);
}

/** The log with these events at `height`, and every header from there on made anew. */
function resigned(log: readonly Written[], { height, events }: Mutation): readonly Written[] {
  let parent: Hash32 | null = null;
  return log.slice(0, height).concat(
    log.slice(height).map((chunk, i) => {
      const header = decodeHeader(chunk.header);
      if (!header.ok) return expect.unreachable("the log decodes");
      const leaves = (i === 0 ? events : eventsOf(chunk)).map(encodeEvent);
      const made = {
        ...header.value,
        parent: parent ?? header.value.parent,
        root: hashFromBytes(merkleRoot(leaves.map(leafHash))),
        eventCount: leaves.length,
      };
      parent = chunkHash(made);
      return { ...chunk, header: encodeHeader(made), events: concatBytes(...leaves) };
    }),
  );
}

/**
 * What a leader may say and a follower cannot know better: how an op was signed, what an open frame costs
 * and where it stands, how many wallet nonces it wants. A seal settles all of a batch.
 */
function isLeadersOwn({ event, field }: Mutation): boolean {
  switch (event.kind) {
    case "op":
      return field === "maxFee" || field === "signature" || field === "data" || field === "sender";
    case "frame":
      return (
        field === "fee" || field === "safeBlock" || field === "absence" || field === "repetition"
      );
    case "watermark":
      return field === "walletNonce" || field === "absence";
    default:
      return false;
  }
}

/** Whether a seal in the log settles the batch of the event, at or behind its chunk, before it is void. */
function isSettled(log: readonly Written[], { height, event }: Mutation): boolean {
  if (!("batchNonce" in event)) return false;
  for (const later of log.slice(height).flatMap(eventsOf)) {
    if (later.kind === "seal" && later.batchNonce === event.batchNonce) return true;
    if (later.kind === "rollback" && later.pivotBatchNonce <= event.batchNonce) return false;
  }
  return false;
}

const scene = await smallScene();
// A chunk without events is none.
const all = mutationsOf(scene.log).filter(({ events }) => events.length > 0);
const random = new Random(1, "mutations");
const chosen = size(0, 1) === 1 ? all : all.filter(() => random.chance(150 / all.length));

test("[C1] the log has every kind of event, voided ones and an epoch's opening", () => {
  const events = scene.log.flatMap(eventsOf);
  const kinds = new Set(events.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["direct", "frame", "op", "rollback", "seal", "watermark"]);
  expect(events.filter(({ kind }) => kind === "rollback").length).toBeGreaterThan(1);
});

test.each(chosen)("[C1] $name is refused, or the leader's to say", async (mutation) => {
  const log = resigned(scene.log, mutation);
  const site = scene.newSite();
  site.receive(log, 0);
  const { through, problem, waitsFor } = await site.follow(
    site.follower(scene.era),
    log.length - 1,
  );
  const isRefused = problem !== null || waitsFor !== null;
  if (isSettled(log, mutation) || !isLeadersOwn(mutation)) expect(isRefused).toBe(true);
  expect(through).toBeGreaterThanOrEqual(isRefused ? mutation.height - 1 : log.length - 1);
  expect(projectedThrough(site.storage.view)).toBe(through);
  // Whatever was refused left nothing: what is there is the log up to there, and it wakes up.
  const [{ n } = { n: 0 }] = site.storage.read("SELECT COUNT(*) AS n FROM chunks");
  expect(n).toBe(through + 1);
  if (through >= 0) expectAwake(site);
  site.storage.close();
});

function expectAwake(site: Site): void {
  const woken = must(rebuildMemory(site.runtime), "a history");
  expect(woken.state.snapshot()).toEqual(site.live.state.snapshot());
  expect(woken.head.batchBytes).toBe(site.live.head.batchBytes);
}
