/** A rollback under a committee takes effect when it is certified, for readers and for service. */

import { describe, expect, test } from "vitest";
import { type Committee, serveCommittee } from "./support/committee.ts";
import { DANGER_BLOCKS, SHORT } from "./support/danger.ts";
import { transfer, user } from "./support/history.ts";
import { type Reader, read } from "./support/reader.ts";

async function subscribe({ object }: Committee): Promise<Reader> {
  return read(
    await object.fetch("http://baton/ws/subscribe?from_offset=0", {
      headers: { upgrade: "websocket" },
    }),
  );
}

const generation = ({ sql }: Committee): Promise<number> =>
  sql((db) => db.exec<{ g: number }>("SELECT generation AS g FROM history").one().g);

const told = (reader: Reader) => reader.records().map(({ kind, offset }) => [kind, offset]);

/** An op is certified, then a quorum goes away, and the open batch is rolled back. */
async function rolledBackUncertified(): Promise<Committee> {
  const committee = await serveCommittee(SHORT);
  const answer = await committee.object.submit(transfer(0, 0), true);
  expect(answer).toMatchObject({ value: { offset: 5, receipt: { tier: "certified" } } });
  return committee;
}

async function fallIntoDanger(committee: Committee): Promise<void> {
  await committee.silence(0, 1);
  await committee.chain.mine(DANGER_BLOCKS + 2);
  await committee.tickUntil(async () => (await generation(committee)) === 1);
}

describe("[F3] a rollback that is not certified", () => {
  test("is told to nobody, voids nothing that anybody sees, and no op is taken", async () => {
    const committee = await rolledBackUncertified();
    const { object } = committee;
    const live = await subscribe(committee);
    await live.until(() => live.offsets().includes(5));
    await fallIntoDanger(committee);
    const late = await subscribe(committee);
    let ticks = 0;
    await committee.tickUntil(() => ++ticks > 20);
    expect(await object.health()).toMatchObject({ mode: "recovering", status: "degraded" });
    expect(await object.submit(transfer(0, 1))).toMatchObject({ error: { status: 503 } });
    expect(told(live).map(([kind]) => kind)).not.toContain("rollback");
    // What the rollback would take away is neither sent nor left out: a new reader ends before it.
    const page = await object.feedPage({ fromOffset: 0, limit: 100, era: null });
    if (!page.ok) return expect.unreachable(page.error.message);
    expect(page.value).toMatchObject({ generation: 0 });
    const kept = page.value.next_offset;
    expect(kept).toBeLessThan(5);
    expect(late.offsets().every((offset) => offset <= kept)).toBe(true);
    expect(await object.feedPage({ fromOffset: 5, limit: 1, era: null })).toMatchObject({
      value: { records: [], next_offset: 5 },
    });
    expect(await object.transaction(user(0), 0)).toMatchObject({
      value: { state: "certified", voided: null },
    });
    await committee.revive(0, 1);
    await committee.tickUntil(async () => (await object.health()).mode === "serving");
    await Promise.all(
      [live, late].map((reader) =>
        reader.until(() => reader.records().some(({ kind }) => kind === "rollback")),
      ),
    );
    expect(told(live).slice(0, 5)).not.toContainEqual(["rollback", expect.anything()]);
    expect(told(late).map(([kind]) => kind)).not.toContain("user_op");
    expect(await object.transaction(user(0), 0)).toMatchObject({
      value: { state: "voided", voided: { generation: 1 } },
    });
    expect(await object.submit(transfer(0, 0))).toMatchObject({ ok: true });
  });

  test("[R1] survives a restart: it is certified by the next life", async () => {
    const committee = await rolledBackUncertified();
    await fallIntoDanger(committee);
    await committee.revive(0, 1);
    await committee.restart();
    expect(await committee.object.health()).toMatchObject({ mode: "serving", generation: 1 });
    const page = await committee.object.feedPage({ fromOffset: 0, limit: 100, era: null });
    expect(page.ok && page.value.records.join()).toContain('"kind":"rollback"');
  });
});
