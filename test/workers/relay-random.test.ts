/** Any history, any failures: what readers of a relay hold in the end is what a replay of upstream gives. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { foldRecord } from "../../src/core/feed/cursor.ts";
import { type FeedRecord, formatRecord, type RollbackRecord } from "../../src/core/feed/record.ts";
import { size } from "../support/size.ts";
import type { Reader } from "./support/reader.ts";
import { type RelayRig, until, withRelay } from "./support/relay.ts";

type Step =
  | { readonly is: "append"; readonly count: number }
  | { readonly is: "rollback"; readonly keep: number; readonly gap: number }
  | { readonly is: "forget"; readonly count: number }
  | { readonly is: "kill" | "down" | "up" | "silence" | "tick" | "wake" | "rest" | "later" }
  | { readonly is: "subscribe"; readonly from: number; readonly isBatched: boolean }
  | { readonly is: "leave" | "resume"; readonly who: number };

const small = fc.nat({ max: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ is: fc.constant("append" as const), count: small }) },
  {
    weight: 2,
    arbitrary: fc.record({
      is: fc.constant("rollback" as const),
      keep: small,
      gap: fc.constantFrom(0, 0, 7),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("forget" as const), count: small }) },
  {
    weight: 5,
    arbitrary: fc.record({
      is: fc.constantFrom("kill", "down", "up", "silence", "tick", "wake", "rest", "later"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant("subscribe" as const),
      from: small,
      isBatched: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constantFrom("leave", "resume"), who: fc.nat({ max: 5 }) }),
  },
);

/** A client: what it was sent over all its sockets, and where it resumes. */
type Client = { readonly from: number; reader: Reader | null; readonly before: FeedRecord[] };

const heard = (client: Client) => [...client.before, ...(client.reader?.records() ?? [])];
const cursor = (client: Client) => heard(client).at(-1)?.offset ?? client.from;

function leave(rig: RelayRig, client: Client | undefined): void {
  if (client?.reader == null) return;
  client.before.push(...client.reader.records());
  client.reader.socket.close(1000);
  rig.feed.onClose(rig.serverEnd(client.reader));
  client.reader = null;
}

async function resume(rig: RelayRig, client: Client | undefined): Promise<void> {
  if (client === undefined || (client.reader !== null && client.reader.closed === null)) return;
  if (client.reader !== null) client.before.push(...client.reader.records());
  client.reader = null;
  const fromOffset = cursor(client);
  // Down, or not as far as this client is: it comes again.
  if ((await rig.refusal({ fromOffset })) !== null) return;
  client.reader = await rig.subscribe({ fromOffset });
}

async function perform(rig: RelayRig, clients: Client[], one: Step): Promise<void> {
  const { upstream } = rig;
  switch (one.is) {
    case "append":
      upstream.append(one.count);
      return;
    case "rollback":
      upstream.rollback(Math.max(0, upstream.head - one.keep), one.gap);
      return;
    case "forget": {
      // As a leader that died with what nobody certified: its successor goes on beyond all of it. A
      // rollback is told when it is certified (F3), so none is among it.
      const { head, records } = upstream;
      const last = records.findLastIndex((record) => record.kind === "rollback");
      const count = Math.min(one.count, records.length - 1 - Math.max(0, last));
      if (count < 1) return;
      upstream.forget(count);
      upstream.rollback(upstream.head, head - upstream.head + 100);
      return;
    }
    case "kill":
      upstream.kill();
      return;
    case "down":
    case "up":
      upstream.isDown = one.is === "down";
      if (upstream.isDown) upstream.kill();
      return;
    case "silence":
      upstream.forgetSockets();
      return;
    case "tick":
      await rig.feed.tick();
      return;
    case "wake":
      await rig.wake();
      return;
    case "rest":
      await scheduler.wait(3);
      return;
    case "later":
      rig.laterMs += 6_000;
      return;
    case "subscribe": {
      const from = Math.max(0, upstream.head - one.from);
      if (upstream.isDown) return;
      const query = { fromOffset: from, isBatched: one.isBatched };
      if ((await rig.refusal(query)) !== null) return;
      clients.push({ from, reader: await rig.subscribe(query), before: [] });
      return;
    }
    case "leave":
      leave(rig, clients[one.who]);
      return;
    case "resume":
      await resume(rig, clients[one.who]);
  }
}

/** What was held before `from` does not matter: no client had it. */
const held = (records: readonly FeedRecord[]) =>
  records.reduce<readonly FeedRecord[]>(foldRecord, []).map(formatRecord);

async function check(rig: RelayRig, steps: readonly Step[]): Promise<void> {
  const clients: Client[] = [];
  rig.upstream.append(5);
  for (const one of steps) await perform(rig, clients, one);
  rig.upstream.isDown = false;
  rig.upstream.kill();
  rig.upstream.append(1);
  await until(async () => {
    rig.laterMs += 6_000;
    for (const client of clients) await resume(rig, client);
    await rig.feed.tick();
    return clients.every((client) => cursor(client) === rig.upstream.head);
  });
  for (const client of clients) {
    const offsets = heard(client).map((record) => record.offset);
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    expect(unexplained(client, rig.upstream.given)).toEqual([]);
    expect(held(heard(client))).toEqual(held(rig.upstream.after(client.from)));
  }
  const [page, truth] = [
    await rig.page({ limit: 1000 }),
    await rig.upstream.feedPage({ fromOffset: 0, limit: 1000, era: null }),
  ];
  expect(page).toEqual(truth);
}

/**
 * An op or input that comes behind a hole would be executed on the wrong state, so the rollback that
 * explains the hole must have come before it. Behind a rollback a later one may explain it (F3).
 */
function unexplained(client: Client, given: ReadonlySet<number>): readonly number[] {
  const holes: number[] = [];
  const rollbacks: RollbackRecord[] = [];
  let at = client.from;
  for (const record of heard(client)) {
    for (let hole = at + 1; hole < record.offset && record.kind !== "rollback"; hole++) {
      const isVoid = rollbacks.some((one) => one.keepThrough < hole && hole < one.offset);
      if (given.has(hole) && !isVoid) holes.push(hole);
    }
    at = record.offset;
    if (record.kind === "rollback") rollbacks.push(record);
  }
  return holes;
}

const limits = { beginRecords: 20, resumeRecords: 60, recentRecordsMax: 8, sliceSends: 2 };

test("[X3] what readers hold after any history and any failures is what upstream's replay gives", async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
    withRelay((rig) => check(rig, steps), { ...limits, windowRecordsMax: 100 }),
  );
  await fc.assert(property, { numRuns: size(100, 1_500), endOnFailure: true });
});
