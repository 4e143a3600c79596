/** The collector of a gateway, with the sequencer's end of the wire in the test's hands. */

import { expect, test, vi } from "vitest";
import { executionRejected, queueFull, unavailable } from "../../src/core/api/rejection.ts";
import type { SignedUserOp, SoftConfirmation } from "../../src/core/api/sequencer-api.ts";
import { CHUNK_OPS_MAX, QUEUE_OPS_MAX } from "../../src/core/types/protocol.ts";
import { err, ok } from "../../src/core/types/result.ts";
import { batchNonce, feeExponent, offset } from "../../src/core/types/units.ts";
import { CALL_MS_MAX, Collector } from "../../src/durable-objects/gateway/collector.ts";
import { PLATFORM } from "../../src/durable-objects/sequencer/runtime.ts";
import type { Leader } from "../../src/durable-objects/shared/submit-to-leader.ts";
import { transfer } from "./support/history.ts";

type Outcomes = Awaited<ReturnType<Leader["submitGroup"]>>;
type Call = { readonly ops: readonly SignedUserOp[]; answer(outcomes?: Outcomes): void };

const place = (at: number): SoftConfirmation => ({
  offset: offset(at),
  batchNonce: batchNonce(0),
  frameFee: feeExponent(1060),
});
const included = (ops: readonly SignedUserOp[]): Outcomes =>
  ops.map(({ nonce }) => ok(place(nonce)));
const ops = (count: number, from = 0): readonly SignedUserOp[] =>
  Array.from({ length: count }, (_, i) => transfer(0, from + i));

/** A leader that answers when the test says so. */
function held(): { readonly calls: Call[]; readonly leader: Leader } {
  const calls: Call[] = [];
  const submitGroup: Leader["submitGroup"] = (group) =>
    new Promise((resolve) => {
      calls.push({ ops: group, answer: (outcomes = included(group)) => resolve(outcomes) });
    });
  return { calls, leader: { submitGroup } };
}

const collectorOf = (leader: Leader): Collector =>
  new Collector(PLATFORM.later, () => Promise.resolve(leader));

test("[X2] what arrives during a call shares the next one, a chunk at most, in order", async () => {
  const { calls, leader } = held();
  const collector = collectorOf(leader);
  const first = collector.submit(transfer(0, 0));
  await expect.poll(() => calls.length).toBe(1);
  const rest = ops(CHUNK_OPS_MAX + 1, 1).map((op) => collector.submit(op));
  calls[0]?.answer();
  expect(await first).toEqual(ok(place(0)));
  await expect.poll(() => calls.length).toBe(2);
  calls[1]?.answer();
  expect(await rest[0]).toEqual(ok(place(1)));
  await expect.poll(() => calls.length).toBe(3);
  calls[2]?.answer();
  expect(await Promise.all(rest)).toEqual(
    ops(CHUNK_OPS_MAX + 1, 1).map(({ nonce }) => ok(place(nonce))),
  );
  expect(calls.map((call) => call.ops.map(({ nonce }) => nonce))).toEqual([
    [0],
    Array.from({ length: CHUNK_OPS_MAX }, (_, i) => 1 + i),
    [CHUNK_OPS_MAX + 1],
  ]);
});

test("[X2] each op gets the answer that is its own", async () => {
  const { calls, leader } = held();
  const collector = collectorOf(leader);
  const answers = ops(3).map((op) => collector.submit(op));
  await expect.poll(() => calls.length).toBe(1);
  const refused = err(executionRejected({ reason: "invalid-nonce", expected: 4, got: 1 }));
  calls[0]?.answer([ok(place(7)), refused, ok(place(8))]);
  expect(await Promise.all(answers)).toEqual([ok(place(7)), refused, ok(place(8))]);
});

test("[X2, I5] while a call is under way op 8 192 waits, and op 8 193 is refused with queue full", async () => {
  const { calls, leader } = held();
  const collector = collectorOf(leader);
  const first = collector.submit(transfer(0, 0));
  await expect.poll(() => calls.length).toBe(1);
  const waiting = Array.from({ length: QUEUE_OPS_MAX }, () => collector.submit(transfer(0, 0)));
  expect(await collector.submit(transfer(0, 0))).toEqual(err(queueFull));
  for (let answered = 0; answered <= QUEUE_OPS_MAX / CHUNK_OPS_MAX; answered++) {
    await expect.poll(() => calls.length, { interval: 1 }).toBe(answered + 1);
    calls[answered]?.answer();
  }
  expect(await first).toEqual(ok(place(0)));
  for (const outcome of await Promise.all(waiting)) expect(outcome).toEqual(ok(place(0)));
});

test("[X2] the leader is asked for anew before each call", async () => {
  const [old, next] = [held(), held()];
  let leader = old.leader;
  const collector = new Collector(PLATFORM.later, () => Promise.resolve(leader));
  const first = collector.submit(transfer(0, 0));
  await expect.poll(() => old.calls.length).toBe(1);
  // Collected for one leader, sent to its successor.
  const second = collector.submit(transfer(0, 1));
  leader = next.leader;
  const moved = unavailable("following");
  old.calls[0]?.answer([err(moved)]);
  expect(await first).toEqual(err(moved));
  await expect.poll(() => next.calls.length).toBe(1);
  next.calls[0]?.answer();
  expect(await second).toEqual(ok(place(1)));
  expect(old.calls).toHaveLength(1);
});

test("[X2] where no object of this deployment leads, each op is refused as one that is elsewhere", async () => {
  const collector = new Collector(PLATFORM.later, () => Promise.resolve(null));
  const answers = await Promise.all(ops(2).map((op) => collector.submit(op)));
  expect(answers).toEqual([err(unavailable("following")), err(unavailable("following"))]);
});

test("[X2] a call that fails refuses its own ops, and the next one is made", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const broken = Object.assign(new Error("gone"), { retryable: true });
  const failures: (() => Promise<Outcomes>)[] = [
    () => Promise.reject(broken),
    () => Promise.reject(Object.assign(new Error("busy"), { overloaded: true })),
    () => Promise.reject(new Error("a bug")),
    // Fewer outcomes than ops: nobody may be told of another one's.
    () => Promise.resolve([]),
    () => Promise.resolve(included([transfer(0, 4)])),
  ];
  let calls = 0;
  const submitGroup: Leader["submitGroup"] = () => failures[calls++]?.() ?? Promise.resolve([]);
  const collector = collectorOf({ submitGroup });
  const answers: unknown[] = [];
  for (let i = 0; i < failures.length; i++) {
    const outcome = await collector.submit(transfer(0, 4));
    answers.push(outcome.ok ? 200 : [outcome.error.status, outcome.error.retryAfterS]);
  }
  expect(answers).toEqual([[503, 2], [429, 1], [500, null], [500, null], 200]);
});

test("[X2] a leader that cannot be found refuses the group, and is looked for again", async () => {
  const { calls, leader } = held();
  let isLost = true;
  const find = () =>
    isLost
      ? Promise.reject(Object.assign(new Error("gone"), { retryable: true }))
      : Promise.resolve(leader);
  const collector = new Collector(PLATFORM.later, find);
  expect(await collector.submit(transfer(0, 0))).toEqual(err(unavailable("starting")));
  isLost = false;
  const next = collector.submit(transfer(0, 0));
  await expect.poll(() => calls.length).toBe(1);
  calls[0]?.answer();
  expect(await next).toEqual(ok(place(0)));
});

test("[X2] a call without an end holds nobody up for longer than its time", async () => {
  const { calls, leader } = held();
  const timers: { readonly run: () => void; readonly delayMs: number }[] = [];
  const later = (run: () => void, delayMs: number) => {
    if (delayMs < CALL_MS_MAX) return PLATFORM.later(run, delayMs);
    const timer = { run, delayMs };
    timers.push(timer);
    return () => timers.splice(timers.indexOf(timer), 1);
  };
  const collector = new Collector(later, () => Promise.resolve(leader));
  const first = collector.submit(transfer(0, 0));
  await expect.poll(() => calls.length).toBe(1);
  const second = collector.submit(transfer(0, 1));
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([CALL_MS_MAX]);
  timers[0]?.run();
  expect(await first).toEqual(err(unavailable("starting")));
  await expect.poll(() => calls.length).toBe(2);
  // What comes after its time is nobody's answer.
  calls[0]?.answer();
  calls[1]?.answer();
  expect(await second).toEqual(ok(place(1)));
  expect(timers).toEqual([]);
});
