/** What a leader reads to send, and what it has at hand (C2). */

import { describe, expect, test } from "vitest";
import { Outgoing } from "../../src/consensus/outgoing.ts";
import { type LogEntry, logEntry, type PayloadStore } from "../../src/consensus/payload-store.ts";
import { height, memberIndex } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { BLOB_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { GENESIS, lineIn } from "./lines.ts";

/** A log of `count` chunks in a store that counts what is read. */
function sending(count: number, bytes = 100) {
  const log = lineIn(GENESIS, count).map(({ signed }) =>
    logEntry(signed, new Uint8Array(bytes), null),
  );
  const reads: (readonly [from: number, through: number])[] = [];
  const page: PayloadStore["page"] = (from, through) => {
    reads.push([from, through]);
    return Promise.resolve(log.slice(from, through + 1));
  };
  const outgoing = new Outgoing({ page } as PayloadStore, { nowMs: () => 0 });
  const feed = async (from: number, through: number, to = 0) => {
    const target = must(log[through], "the log has it").ref;
    const effect = { do: "propose", to: memberIndex(to), page: { from, through }, target } as const;
    return await outgoing.feed({ ...effect, checkpoint: null }, () => null);
  };
  return { log, reads, outgoing, feed };
}

const sentHeights = ({ chunks }: Awaited<ReturnType<ReturnType<typeof sending>["feed"]>>) =>
  chunks.map(({ signed }) => signed.header.height);

const bare = (entry: LogEntry): LogEntry => ({ ...entry, bytes: null });

describe("[C2] a page", () => {
  test("of what was announced just now is sent without a read, and is one object for all", async () => {
    const { log, reads, outgoing, feed } = sending(6);
    outgoing.hold(log.slice(2));
    const first = await feed(3, 5);
    expect(sentHeights(first)).toEqual([3, 4, 5]);
    expect(await feed(3, 5, 1)).toBe(first);
    expect(reads).toEqual([]);
  });

  test("that begins before what is held, or is certified, is read", async () => {
    const { log, reads, outgoing, feed } = sending(6);
    outgoing.hold(log.slice(2));
    expect(sentHeights(await feed(1, 5))).toEqual([1, 2, 3, 4, 5]);
    outgoing.certified(height(3));
    expect(sentHeights(await feed(3, 5))).toEqual([3, 4, 5]);
    expect(sentHeights(await feed(4, 5))).toEqual([4, 5]);
    expect(reads).toEqual([
      [1, 5],
      [3, 5],
    ]);
  });

  test("is held up to a bound of bytes and chunks, and nothing before a chunk without its payload", async () => {
    const large = sending(4, BLOB_BYTES_MAX / 2);
    large.outgoing.hold(large.log);
    await large.feed(2, 3);
    await large.feed(1, 3);
    expect(large.reads).toEqual([[1, 3]]);
    const many = sending(600);
    many.outgoing.hold(many.log);
    await many.feed(88, 599);
    await many.feed(87, 599);
    expect(many.reads).toEqual([[87, 599]]);
    const { log, reads, outgoing, feed } = sending(4);
    outgoing.hold(log.map((entry, i) => (i === 1 ? bare(entry) : entry)));
    await feed(2, 3);
    await feed(1, 3);
    expect(reads).toEqual([[1, 3]]);
  });
});
