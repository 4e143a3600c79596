/** A candidate whose log is lost begins with a state that validators keep, where the first chunks are gone (C6). */

import { afterEach, expect, test, vi } from "vitest";
import { size } from "../support/size.ts";
import { transfer, user } from "./support/history.ts";
import { areLevel, type Pair, servePair, submit, type Which } from "./support/pair.ts";

const VARS = {
  SEQ_BATCH_LINGER_SECONDS: "1",
  SEQ_SNAPSHOT_SECONDS: "1",
  SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "50",
  SEQ_ARCHIVE_CHUNKS: "1",
};
const VALIDATORS = [0, 1, 2, 3];
/** Each begins with a committee of six objects and a hundred ops. */
const LONG = { timeout: size(90_000, 240_000) };

afterEach(() => void vi.restoreAllMocks());

const number = (pair: Pair, which: Which, query: string): Promise<number | null> =>
  pair.sql(which, (sql) => sql.exec<{ n: number | null }>(query).toArray()[0]?.n ?? null);

/** The lowest chunk that each validator keeps, and the oldest state. */
function keptOf(pair: Pair): Promise<readonly { lowest: number | null; state: number | null }[]> {
  return Promise.all(
    VALIDATORS.map((i) =>
      pair.validatorSql(i, (sql) =>
        sql
          .exec<{ lowest: number | null; state: number | null }>(
            `SELECT (SELECT MIN(height) FROM chunks WHERE is_certified = 1) AS lowest,
               (SELECT MIN(height) FROM snapshots) AS state`,
          )
          .one(),
      ),
    ),
  );
}

const isDue = async (pair: Pair, which: Which): Promise<boolean> => {
  await pair.chain.mine(1);
  return (await number(pair, which, "SELECT COUNT(*) AS n FROM safe_accepted_batches")) === 0;
};

/** The first leads a log whose first chunks no validator keeps; the second is silent, and has nothing. */
async function forgotten(): Promise<Pair> {
  const pair = await servePair(VARS);
  await pair.crash(1);
  await pair.sql(1, (sql) => sql.exec("INSERT OR IGNORE INTO replica_reset VALUES (0, 0)"));
  await submit(pair, 0, transfer(0, 0), true);
  await pair.tickUntil(async () => {
    await pair.pulse();
    return (await keptOf(pair)).every(({ state }) => state !== null);
  });
  await pair.tickUntil(async () => !(await isDue(pair, 0)));
  // What a validator has just had certified it keeps in any case.
  for (let nonce = 1; nonce < 90; nonce++) await submit(pair, 0, transfer(0, nonce));
  await submit(pair, 0, transfer(1, 0), true);
  await pair.tickUntil(async () => {
    await pair.pulse();
    return (await keptOf(pair)).every(({ lowest, state }) => (lowest ?? 0) > 0 && state === lowest);
  });
  return pair;
}

const hasBegun = async (pair: Pair): Promise<boolean> => {
  await pair.chain.mine(1);
  return (await number(pair, 1, "SELECT COUNT(*) AS n FROM history")) === 1;
};

async function expectSameFeed(pair: Pair): Promise<void> {
  const from = await number(pair, 1, "SELECT available_from AS n FROM history");
  expect(from).toBeGreaterThan(0);
  const query = { fromOffset: from ?? 0, limit: 1_000, era: null };
  const [theirs, ours] = [await pair.of(0).feedPage(query), await pair.of(1).feedPage(query)];
  if (!theirs.ok || !ours.ok) return expect.unreachable("both have the feed from there");
  expect(ours.value.records.length).toBeGreaterThan(80);
  expect(ours.value).toEqual({ ...theirs.value, available_from: from });
  expect(await pair.of(1).feedPage({ ...query, fromOffset: 0 })).toMatchObject({ ok: false });
}

/** It leads, and what it orders ends on L1; the other one follows it. */
async function expectLeads(pair: Pair): Promise<void> {
  await pair.transfer(1);
  expect((await pair.of(1).health()).mode).toBe("serving");
  const said = await submit(pair, 1, transfer(2, 0), true);
  expect(await pair.verify(said.receipt)).toMatchObject({ value: { tier: "certified" } });
  for (const which of [1, 0] as const) {
    await pair.tickUntil(async () => {
      await pair.chain.mine(1);
      const found = await pair.of(which).transaction(user(2), 0);
      return found.ok && found.value.state === "settled";
    });
  }
  await pair.tickUntil(() => areLevel(pair));
  const snapshot = await pair.of(1).fetch("http://baton/latest_snapshot");
  expect(snapshot.status).toBe(200);
  expect((await snapshot.arrayBuffer()).byteLength).toBeGreaterThan(0);
  await pair.tickUntil(async () => {
    const [a, b] = [await pair.of(0).finalizedDigest(), await pair.of(1).finalizedDigest()];
    return a.ok && b.ok && JSON.stringify(a.value) === JSON.stringify(b.value);
  });
}

test("[C6] it begins with a state, follows, leads, and posts what L1 accepts", LONG, async () => {
  const pair = await forgotten();
  await pair.revive(1);
  await pair.tickUntil(() => hasBegun(pair));
  await pair.tickUntil(() => areLevel(pair));
  expect(await number(pair, 1, "SELECT MIN(height) AS n FROM chunks")).toBeGreaterThan(0);
  await expectSameFeed(pair);
  await expectLeads(pair);
});

test("[C6] it dies at any point of its beginning, and goes on", LONG, async () => {
  const pair = await forgotten();
  await pair.chain.fail([{ method: "eth_getLogs", fault: { kind: "disconnect" } }]);
  await pair.revive(1);
  const points = [
    "SELECT 1 - COUNT(*) AS n FROM replica_reset",
    "SELECT COUNT(*) AS n FROM replica_root",
    "SELECT COUNT(*) AS n FROM replica_parts",
  ];
  for (const point of points) {
    await pair.tickUntil(async () => (await number(pair, 1, point)) === 1);
    await pair.revive(1);
  }
  await pair.chain.fail([]);
  for (let life = 0; life < size(2, 12) && !(await hasBegun(pair)); life++) {
    let ticks = 0;
    await pair.tickUntil(() => ++ticks > life);
    await pair.revive(1);
  }
  await pair.tickUntil(() => hasBegun(pair));
  await pair.revive(1);
  await pair.tickUntil(() => areLevel(pair));
  await expectSameFeed(pair);
  await pair.transfer(1);
  await submit(pair, 1, transfer(2, 0), true);
});

test("[C6] bytes of another state are refused, and another member is asked", LONG, async () => {
  const pair = await forgotten();
  // Done twice it undoes itself.
  const flip = (i: number) =>
    pair.validatorSql(i, (sql) => {
      const parts = sql
        .exec<{ sha256: ArrayBuffer; part: number; bytes: ArrayBuffer }>(
          "SELECT * FROM snapshot_parts",
        )
        .toArray();
      sql.exec("DELETE FROM snapshot_parts");
      for (const { sha256, part, bytes } of parts) {
        const other = new Uint8Array(bytes).map((byte, at) => (at === 0 ? byte ^ 1 : byte));
        sql.exec("INSERT INTO snapshot_parts VALUES (?, ?, ?)", sha256, part, other);
      }
    });
  for (const i of [0, 1, 2, 3]) await flip(i);
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const isRefused = () =>
    warned.mock.calls.some(([line]) => String(line).includes('"event":"snapshot-mismatch"'));
  await pair.revive(1);
  await pair.tickUntil(isRefused);
  expect(await hasBegun(pair)).toBe(false);
  await flip(3);
  await pair.tickUntil(() => hasBegun(pair));
  await pair.tickUntil(() => areLevel(pair));
  await expectSameFeed(pair);
});

test(
  "[C6] a candidate whose log ends before what anybody keeps forgets it, and begins with a state",
  LONG,
  async () => {
    const pair = await forgotten();
    await pair.sql(1, (sql) => sql.exec("DELETE FROM replica_reset"));
    const before = await number(pair, 1, "SELECT MAX(height) AS n FROM chunks");
    await pair.revive(1);
    await pair.tickUntil(() => areLevel(pair));
    const root = await number(pair, 1, "SELECT MIN(height) AS n FROM chunks");
    expect(root).toBeGreaterThan(before ?? 0);
    await expectSameFeed(pair);
  },
);
