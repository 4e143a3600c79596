/** A reader that is slower than the feed: bounded memory here, honest acks to the other side, nothing lost. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/sdk/client.ts";
import type { SocketEvents } from "../../src/sdk/client-types.ts";
import { LiveFeed } from "../../src/sdk/live-feed.ts";
import { networkOf } from "../../src/sdk/transport.ts";
import { until } from "../support/product.ts";
import { ALICE } from "../support/wallet.ts";
import { WireServer } from "../support/wire-server.ts";

const KIB = 1024;
/** As text in the feed, some 128 KiB. */
const LARGE = new Uint8Array(64 * KIB);

let server: WireServer;

beforeEach(async () => {
  server = await WireServer.start();
  server.sequencer.deposit(ALICE, 1_000_000n);
});
afterEach(() => server.stop());

function appendLarge(count: number): void {
  for (let i = 0; i < count; i++) {
    const nonce = server.sequencer.state.nextNonce(ALICE);
    server.sequencer.include({ sender: ALICE, nonce, data: LARGE });
  }
}

describe("[F6] acks", () => {
  test.each([true, false])(
    "name what the reader has dealt with, batch %s",
    async (batch) => {
      const client = createClient({ url: server.url });
      let dealtWith = 0;
      const seen: number[] = [];
      void until(
        () => Promise.resolve(server.readers),
        (readers) => readers === 1,
        10_000,
      ).then(() => appendLarge(20));
      for await (const event of client.follow({ batch, fromOffset: 1 })) {
        if (event.kind === "certificate") return expect.unreachable();
        // The server runs in this very process: an ack that it has was sent before this record was done.
        expect(server.acks.at(-1) ?? 0).toBeLessThanOrEqual(dealtWith);
        seen.push(event.offset);
        await new Promise((resolve) => setImmediate(resolve));
        dealtWith = event.offset;
        if (event.offset === 21) break;
      }
      expect(server.acks.length).toBeGreaterThan(10);
      expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 2));
    },
    20_000,
  );

  test("come while the reader reads, and stop when it stops", async () => {
    const client = createClient({ url: server.url });
    const events = client.follow({ fromOffset: 1 })[Symbol.asyncIterator]();
    const first = events.next();
    await until(
      () => Promise.resolve(server.readers),
      (readers) => readers === 1,
      10_000,
    );
    appendLarge(12);
    expect(await first).toMatchObject({ value: { offset: 2 } });
    expect(server.acks).toEqual([]);
    for (let offset = 3; offset <= 13; offset++) {
      expect(await events.next()).toMatchObject({ value: { offset } });
    }
    await until(
      () => Promise.resolve(server.acks.at(-1) ?? 0),
      (ack) => ack === 12,
      10_000,
    );
    await events.return?.();
  });
});

describe("a reader that stands still", () => {
  test("[F6] is disconnected at the bound, and reads all the rest when it goes on", async () => {
    const client = createClient({ url: server.url });
    const events = client.follow({ fromOffset: 1 })[Symbol.asyncIterator]();
    const first = events.next();
    await until(
      () => Promise.resolve(server.readers),
      (readers) => readers === 1,
      10_000,
    );
    // Twice what is queued for it at most.
    for (let round = 0; round < 16; round++) {
      appendLarge(4);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await first).toMatchObject({ value: { offset: 2 } });
    await until(
      () => Promise.resolve(server.readers),
      (readers) => readers === 0,
      10_000,
    );
    for (let offset = 3; offset <= 65; offset++) {
      expect(await events.next()).toMatchObject({ value: { offset } });
    }
    await events.return?.();
  }, 30_000);

  test("[F6] holds a bounded queue, whatever a server goes on sending", async () => {
    let on: SocketEvents | null = null;
    let isClosed = false;
    const network = networkOf({
      connect: (_url, events) => {
        on = events;
        return { send: () => undefined, close: () => (isClosed = true) };
      },
    });
    const feed = new LiveFeed(network, server.url);
    const text = (offset: number) =>
      JSON.stringify({
        ...{ kind: "user_op", offset, sender: ALICE, nonce: 0, fee: 0 },
        ...{ data: `0x${"00".repeat(512 * KIB)}`, safe_block: 0, batch_nonce: 0 },
      });
    for (let offset = 1; offset <= 8; offset++) (on as SocketEvents | null)?.message(text(offset));
    expect(isClosed).toBe(true);
    const offsets: number[] = [];
    for (let event = await feed.next(0, undefined); event; event = await feed.next(0, undefined)) {
      if ("offset" in event) offsets.push(event.offset);
    }
    // 4 MiB are full with the fourth; what came behind it is not kept.
    expect(offsets).toEqual([1, 2, 3, 4]);
  });
});
