/** What becomes of an op that was sent: each stage told once, a voiding told with its rollback. */

import { privateKeyToAccount } from "viem/accounts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeTransfer } from "../../src/apps/wallet/method.ts";
import { must } from "../../src/core/types/assert.ts";
import { parseAddress } from "../../src/core/types/hex.ts";
import { createClient } from "../../src/sdk/client.ts";
import type { Client, SentOp } from "../../src/sdk/client-types.ts";
import { OpVoidedError } from "../../src/sdk/errors.ts";
import { BOB } from "../support/wallet.ts";
import { WireServer } from "../support/wire-server.ts";

const alice = privateKeyToAccount(`0x${"11".repeat(32)}`);
const sender = must(parseAddress(alice.address), "an account has an address");
const data = encodeTransfer(1n, BOB);

let server: WireServer;
let client: Client;

beforeEach(async () => {
  server = await WireServer.start();
  server.sequencer.deposit(sender, 1_000_000n);
  client = createClient({ url: server.url });
});
afterEach(() => server.stop());

const send = (): Promise<SentOp> => client.send({ data }, alice);
const asked = () => server.requests.filter(({ path }) => path.startsWith("/tx/")).length;

/** What the promise is rejected with. */
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("it was kept"),
    (reason: unknown) => reason,
  );

describe("stages", () => {
  test("[I6] come one after the other, and a later one brings all before it", async () => {
    server.hasCommittee = true;
    const op = await send();
    const { certified, posted, settled, voided } = op;
    server.sequencer.advance(op.offset, "certified");
    expect(await certified).toMatchObject({ state: "certified", offset: op.offset });
    server.sequencer.advance(op.offset, "settled");
    expect(await posted).toMatchObject({ state: "settled" });
    expect(await settled).toMatchObject({ state: "settled", nonce: 0 });
    expect(await voided).toBeNull();
    // Known is known.
    const before = asked();
    expect([await op.posted, await op.voided]).toMatchObject([{ state: "settled" }, null]);
    expect(asked()).toBe(before);
  });

  test("[I6] without a committee nothing is certified, and nobody waits for it", async () => {
    const op = await send();
    expect(await op.certified).toBeNull();
    expect(asked()).toBe(0);
  });

  test("[I6] are asked for only while somebody waits, and outlast a sequencer that is away", async () => {
    const op = await send();
    expect(asked()).toBe(0);
    let faults = 0;
    server.fault = ({ path }) =>
      path.startsWith("/tx/") && faults++ < 3 ? (faults === 1 ? "drop" : { status: 503 }) : null;
    server.sequencer.advance(op.offset, "posted");
    expect(await op.posted).toMatchObject({ state: "posted" });
    expect([faults > 3, asked()]).toEqual([true, 4]);
  });
});

describe("[F3] a rollback", () => {
  test("rejects what is pending with itself, and nobody has to listen", async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => unheard.push(reason);
    process.on("unhandledRejection", hear);
    const op = await send();
    const { posted, settled, voided } = op;
    const rollback = server.sequencer.rollBack(1, 2 ** 20);
    expect(await voided).toEqual({ rollback });
    const reason = await reasonOf(op.settled);
    if (!(reason instanceof OpVoidedError)) return expect.unreachable(String(reason));
    expect([reason.code, reason.rollback]).toEqual(["VOIDED", rollback]);
    // Nobody listens to these two, not even after a turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", hear);
    expect([posted === op.posted, settled === op.settled, unheard]).toEqual([true, true, []]);
    expect(await op.ordered).toMatchObject({ offset: op.offset });
  });

  test("takes nothing back of what was told before", async () => {
    const op = await send();
    server.sequencer.advance(op.offset, "posted");
    const posted = await op.posted;
    server.sequencer.rollBack(1);
    expect(await op.voided).toMatchObject({ rollback: { keepThrough: 1 } });
    expect(await op.posted).toBe(posted);
  });

  test("is known also where the very same op is included again, or another at its nonce", async () => {
    const first = await send();
    const rollback = server.sequencer.rollBack(1);
    const again = await client.submit(first.signed);
    expect(again.offset).toBeGreaterThan(first.offset);
    server.sequencer.advance(again.offset, "settled");
    expect(await reasonOf(first.settled)).toMatchObject({ code: "VOIDED", rollback });
    expect(await again.settled).toMatchObject({ state: "settled", offset: again.offset });
  });

  test("is told as the first that voided the op, whatever came after it", async () => {
    const op = await send();
    const beyond = server.sequencer.rollBack(op.offset);
    const first = server.sequencer.rollBack(1);
    server.sequencer.rollBack(0);
    expect(beyond.keepThrough).toBe(op.offset);
    expect(await op.voided).toEqual({ rollback: first });
  });

  test("[F8] that retention deleted leaves the voiding without its record", async () => {
    const op = await send();
    const rollback = server.sequencer.rollBack(1);
    server.sequencer.availableFrom = rollback.offset;
    expect(await op.voided).toEqual({ rollback: null });
    expect(await reasonOf(op.settled)).toMatchObject({ code: "VOIDED", rollback: null });
  });
});

test("an abort ends the waiting, with its own reason", async () => {
  const waiting = new AbortController();
  const op = await client.send({ data }, alice, { signal: waiting.signal });
  const { settled } = op;
  const reason = new Error("enough");
  setTimeout(() => waiting.abort(reason), 50);
  expect(await reasonOf(settled)).toBe(reason);
  expect(await reasonOf(op.voided)).toBe(reason);
});
