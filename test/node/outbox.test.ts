/** What waits for a peer: bounded in number and bytes, the newest stays, and nothing throws. */

import { expect, test } from "vitest";
import { Outbox } from "../../src/durable-objects/shared/outbox.ts";

const KIB = 1_024;

/** A peer whose calls end when the test says so, and timers that it rings. */
function peer() {
  const calls: { message: number; end: () => void; fail: () => void }[] = [];
  const states: boolean[] = [];
  const timers: { run: () => void; isOff: boolean }[] = [];
  const outbox = new Outbox<number>(
    (message) =>
      new Promise((resolve, reject) => {
        calls.push({ message, end: () => resolve(), fail: () => reject(new Error("gone")) });
      }),
    (isReachable) => states.push(isReachable),
    (run) => {
      const timer = { run, isOff: false };
      timers.push(timer);
      return () => {
        timer.isOff = true;
      };
    },
  );
  return { outbox, calls, states, timers };
}

/** Lets what was resolved go on. */
async function turn(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

test("sixteen calls are in flight, sixty-four messages wait, and the oldest of them go first", async () => {
  const { outbox, calls } = peer();
  for (let i = 0; i < 16 + 64 + 2; i++) outbox.push(i, KIB);
  expect(calls.map(({ message }) => message)).toEqual(Array.from({ length: 16 }, (_, i) => i));
  for (let done = 0; done < calls.length; done++) {
    calls[done]?.end();
    await turn();
  }
  const sent = calls.map(({ message }) => message);
  // 16 and 17 were dropped for the newest two.
  expect(sent.slice(16)).toEqual(Array.from({ length: 64 }, (_, i) => i + 18));
});

test("eight MiB wait or are in flight at most, but one message always", async () => {
  const { outbox, calls } = peer();
  for (let i = 0; i < 16; i++) outbox.push(i, 512 * KIB);
  expect(calls).toHaveLength(16);
  outbox.push(16, KIB);
  outbox.push(17, KIB);
  for (const call of [...calls]) call.end();
  await turn();
  expect(calls.map(({ message }) => message).slice(16)).toEqual([17]);
  const alone = peer();
  alone.outbox.push(0, 9 * KIB * KIB);
  expect(alone.calls).toHaveLength(1);
});

test("a peer that is gone is told once, and once that it is back", async () => {
  const { outbox, calls, states } = peer();
  outbox.push(0, 1);
  outbox.push(1, 1);
  calls[0]?.fail();
  calls[1]?.fail();
  await turn();
  expect(states).toEqual([false]);
  outbox.push(2, 1);
  calls[2]?.end();
  await turn();
  expect(states).toEqual([false, true]);
});

test("a call that does not end makes room after its time, and may end later", async () => {
  const { outbox, calls, states, timers } = peer();
  for (let i = 0; i < 17; i++) outbox.push(i, 1);
  expect(calls).toHaveLength(16);
  timers[0]?.run();
  await turn();
  expect(calls).toHaveLength(17);
  expect(states).toEqual([false]);
  calls[0]?.fail();
  await turn();
  expect(states).toEqual([false]);
  calls[1]?.end();
  await turn();
  expect(timers[1]?.isOff).toBe(true);
});
