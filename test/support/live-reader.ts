/** A reader that follows the live feed for a whole test: it is cut off, resumes, and is compared. */

import { expect } from "vitest";
import { foldRecord } from "../../src/core/feed/cursor.ts";
import { type FeedRecord, formatRecord } from "../../src/core/feed/record.ts";
import type { Random } from "../sim/random.ts";
import { FeedSocket, readFeed, until } from "./product.ts";
import { size } from "./size.ts";

const CATCH_UP_LIMIT_MS = 20_000;

export class LiveReader {
  readonly #url: string;
  readonly #before: FeedRecord[] = [];
  #socket: FeedSocket;

  private constructor(url: string, socket: FeedSocket) {
    this.#url = url;
    this.#socket = socket;
  }

  static async open(url: string): Promise<LiveReader> {
    return new LiveReader(url, await FeedSocket.open(url, 0));
  }

  /** Everything that it was ever sent, in order. */
  get received(): readonly FeedRecord[] {
    return [...this.#before, ...this.#socket.records];
  }

  get cursor(): number {
    return Math.max(this.#before.at(-1)?.offset ?? 0, this.#socket.lastOffset);
  }

  get isCutOff(): boolean {
    return this.#socket.closed !== null;
  }

  /** Where it was cut off it goes on from the last offset that it got. */
  async resume(): Promise<void> {
    if (!this.isCutOff) {
      this.#socket.ack();
      return;
    }
    const { cursor } = this;
    this.#before.push(...this.#socket.records);
    this.#socket = await FeedSocket.open(this.#url, cursor);
  }

  close(): void {
    this.#socket.close();
  }
}

/** What a client holds that was sent these records. */
export function heldAfter(records: readonly FeedRecord[]): readonly FeedRecord[] {
  let held: FeedRecord[] = [];
  for (const record of records) {
    if (record.kind === "rollback") held = [...foldRecord(held, record)];
    else held.push(record);
  }
  return held;
}

const textsOf = (records: readonly FeedRecord[]) => records.map(formatRecord);

/**
 * F3: whoever was there all along, whoever begins now, and whoever comes back with any cursor hold the
 * same records; and every hole in the offsets is covered by a later rollback. Asked while nothing new
 * is ordered.
 */
export async function expectSameForAllReaders(
  url: string,
  reader: LiveReader,
  random: Random,
): Promise<void> {
  const sent = await readFeed(url);
  const fresh = textsOf(heldAfter(sent));
  const head = sent.at(-1)?.offset ?? 0;
  await reader.resume();
  await until(
    () => Promise.resolve(reader.cursor),
    (cursor) => cursor >= head,
    CATCH_UP_LIMIT_MS,
  );
  const { received } = reader;
  expect(received.map(({ offset }) => offset)).toEqual(
    [...new Set(received.map(({ offset }) => offset))].sort((a, b) => a - b),
  );
  expect(textsOf(heldAfter(received))).toEqual(fresh);
  for (let i = 0; i < size(5, 50); i++) {
    const cursor = random.below(head + 1);
    const held = received.filter(({ offset }) => offset <= cursor);
    const resumed = heldAfter([...held, ...(await readFeed(url, cursor))]);
    expect(textsOf(resumed), `resumed after ${cursor}`).toEqual(fresh);
  }
  expect(unexplainedHoles(sent)).toEqual([]);
}

/** Offsets up to the head that are neither there nor void by a rollback that is. */
function unexplainedHoles(sent: readonly FeedRecord[]): readonly number[] {
  const there = new Set<number>(sent.map(({ offset }) => offset));
  const rollbacks = sent.filter((record) => record.kind === "rollback");
  return Array.from({ length: sent.at(-1)?.offset ?? 0 }, (_, i) => i + 1).filter(
    (offset) =>
      !there.has(offset) &&
      !rollbacks.some((one) => one.keepThrough < offset && offset < one.offset),
  );
}
