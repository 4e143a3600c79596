/** A reader that stops reading is cut off, and the lane does not notice it. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { HttpConnection } from "../../src/local/load/http-client.ts";
import { percentiles } from "../../src/local/load/stats.ts";
import { account, FeedSocket, type Product, startProduct, until } from "../support/product.ts";
import { expectVerified } from "../support/verified.ts";

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product.stop());

/** Acks of `count` ops in ms, one after the other on one connection. */
async function ackMs(count: number): Promise<readonly number[]> {
  const [from, to] = [account(product, 0), account(product, 1)];
  const connection = await HttpConnection.open(product.stack.url);
  const bodies = Array.from({ length: count }, () => product.transfer(from, to.address, 1n));
  const times: number[] = [];
  for (const body of bodies) {
    const startMs = performance.now();
    expect(await connection.submit(body)).toBe(true);
    times.push(performance.now() - startMs);
  }
  connection.close();
  return times;
}

test("[F6] readers that never answer are cut off with 1013 and resume; acks stay as they were", async () => {
  const { url } = product.stack;
  const before = percentiles(await ackMs(100)).p50;
  // The object's 32 MiB over 60 readers is reached long before the 8 MiB of any single one.
  // Among equals the oldest is the first to go, and that one is watched.
  const readers = [await FeedSocket.open(url, 0)];
  readers.push(...(await Promise.all(Array.from({ length: 59 }, () => FeedSocket.open(url, 0)))));
  for (const reader of readers.slice(1)) reader.pause();
  const [watched] = readers;
  if (watched === undefined) throw new Error("there are sixty readers");
  let during: readonly number[] = [];
  for (let round = 0; round < 40 && watched.closed === null; round++) during = await ackMs(100);
  await until(
    () => Promise.resolve(watched.closed),
    (closed) => closed !== null,
    10_000,
  );
  expect(watched.closed).toEqual({ code: 1013, reason: "slow reader" });
  expect(percentiles(during).p50).toBeLessThan(before * 5 + 20);
  expect(watched.records.map((record) => record.offset)).toEqual(
    watched.records.map((_, i) => i + 1),
  );
  const resumed = await FeedSocket.open(url, watched.lastOffset - 1);
  await until(
    () => Promise.resolve(resumed.records[0]?.offset),
    (offset) => offset === watched.lastOffset,
    10_000,
  );
  for (const reader of [...readers, resumed]) reader.close();
});

test("[V4] in the end L1 gives what the sequencer calls finalized", () => expectVerified(product));
