/** Clients that wait for a certificate: bounded in number and in time, and never answered twice. */

import { describe, expect, test } from "vitest";
import type { OrderedReceipt } from "../../src/core/consensus/receipt.ts";
import { ZERO_ADDRESS } from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";
import { ZERO_HASH } from "../../src/durable-objects/sequencer/memory.ts";
import type { Runtime } from "../../src/durable-objects/sequencer/runtime.ts";
import {
  CERTIFIED_WAIT_MS,
  WAITERS_MAX,
  Waiters,
} from "../../src/durable-objects/sequencer/waiters.ts";
import { SimStorage } from "./storage.ts";

const receipt = (height: number): OrderedReceipt => ({
  tier: "ordered",
  header: {
    header: {
      chainId: 1,
      app: ZERO_ADDRESS,
      era: new Uint8Array(16),
      epoch: 0,
      height,
      parent: ZERO_HASH,
      root: ZERO_HASH,
      eventCount: 1,
      firstOffset: offset(1),
      nextOffset: offset(2),
    },
    scheme: "p256",
    signature: new Uint8Array(64),
  },
  event: { kind: "watermark", walletNonce: 0 },
  index: 0,
  path: [],
});

/** Waiters whose timers run when the test says so. */
function waiting() {
  const timers: { readonly run: () => void; readonly delayMs: number; isOff: boolean }[] = [];
  const storage = new SimStorage();
  const wanted: number[] = [];
  const later: Runtime["later"] = (run, delayMs) => {
    const timer = { run, delayMs, isOff: false };
    timers.push(timer);
    return () => {
      timer.isOff = true;
    };
  };
  const waiters = new Waiters({ sql: storage.sql, later }, (height) => wanted.push(height));
  return { waiters, timers, wanted };
}

describe("[C2] wait=certified", () => {
  test("after ten seconds the ordered receipt is the answer", async () => {
    const { waiters, timers } = waiting();
    const answer = waiters.wait(receipt(3), 2);
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([CERTIFIED_WAIT_MS]);
    expect(CERTIFIED_WAIT_MS).toBe(10_000);
    timers[0]?.run();
    expect(await answer).toMatchObject({ tier: "ordered" });
    expect(waiters.size).toBe(0);
  });

  test("whoever waits says for which height, and nobody else does", async () => {
    const { waiters, wanted } = waiting();
    const answer = waiters.wait(receipt(3), 2);
    expect(wanted).toEqual([3]);
    waiters.endAll();
    await answer;
    expect(wanted).toEqual([3]);
  });

  test("at most 1 024 wait; the next one is answered at once", async () => {
    const { waiters, timers } = waiting();
    const first = Array.from({ length: WAITERS_MAX }, () => waiters.wait(receipt(3), 2));
    expect([waiters.size, timers.length]).toEqual([1_024, 1_024]);
    expect(await waiters.wait(receipt(3), 2)).toMatchObject({ tier: "ordered" });
    expect(waiters.size).toBe(1_024);
    waiters.endAll();
    expect(await Promise.all(first)).toHaveLength(1_024);
  });

  test("when nothing is certified here any more, nobody waits in vain", async () => {
    const { waiters, timers } = waiting();
    const answer = waiters.wait(receipt(3), 2);
    waiters.endAll();
    expect(await answer).toMatchObject({ tier: "ordered" });
    expect(timers.every(({ isOff }) => isOff)).toBe(true);
  });
});
