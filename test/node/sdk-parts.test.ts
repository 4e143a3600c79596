/** The client's parts that need no wire: what it keeps, what it reads, and when it asks again. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHECKPOINTS_MAX, Checkpoints } from "../../src/sdk/checkpoints.ts";
import { BatonError } from "../../src/sdk/errors.ts";
import { parseFeedMessage } from "../../src/sdk/feed-message.ts";
import { isTransient, pauseAfter, retrying } from "../../src/sdk/retry.ts";

const NONE = new Uint8Array(0);
const rollback = { kind: "rollback", offset: 9, keep_through: 4, generation: 1 } as const;

describe("[F3] checkpoints", () => {
  test("are few, the newest always among them, and never a rollback costs many times what it voids", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }), (steps) => {
        const checkpoints = new Checkpoints();
        let offset = 0;
        for (const step of steps) {
          offset += step;
          checkpoints.add({ offset, bytes: NONE });
          expect(checkpoints.newest?.offset).toBe(offset);
          expect(checkpoints.offsets.length).toBeLessThanOrEqual(CHECKPOINTS_MAX);
          expect([...checkpoints.offsets].sort((a, b) => a - b)).toEqual(checkpoints.offsets);
        }
      }),
    );
  });

  test("reach far back although they are few", () => {
    const checkpoints = new Checkpoints();
    for (let offset = 0; offset <= 1_000; offset++) checkpoints.add({ offset, bytes: NONE });
    for (const depth of [1, 10, 100, 500]) {
      const kept = checkpoints.offsets.filter((offset) => offset <= 1_000 - depth).at(-1) ?? -1;
      expect(1_000 - kept, `${depth} back`).toBeLessThanOrEqual(Math.max(8 * depth, 16));
    }
  });

  test("that a rollback voids are gone; the bound of their bytes leaves two", () => {
    const checkpoints = new Checkpoints();
    const bytes = new Uint8Array(50 * 1024 * 1024);
    for (const offset of [1, 2, 3, 4]) checkpoints.add({ offset, bytes });
    expect(checkpoints.offsets).toHaveLength(2);
    checkpoints.keepThrough(3);
    expect(checkpoints.offsets).toHaveLength(1);
    checkpoints.keepThrough(0);
    expect(checkpoints.newest).toBeNull();
  });
});

describe("[F1, F2] a message of the feed", () => {
  test("is a record, or an array of them; no record in it is passed over", () => {
    const one = JSON.stringify(rollback);
    const event = { kind: "rollback", offset: 9, keepThrough: 4, generation: 1 };
    expect(parseFeedMessage(one)).toEqual({ ok: true, value: [event] });
    expect(parseFeedMessage(`[${one},${one}]`)).toEqual({ ok: true, value: [event, event] });
    expect(parseFeedMessage("[]")).toEqual({ ok: true, value: [] });
    for (const text of ["", "7", "null", `[${one},{}]`, '{"kind":"certificate"}']) {
      expect(parseFeedMessage(text).ok, text).toBe(false);
    }
  });

  test("never makes the reader throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof parseFeedMessage(text).ok).toBe("boolean");
      }),
    );
  });
});

describe("[I5] another attempt", () => {
  const of = (status: number) => new BatonError("BAD_ANSWER", "", { status });

  test("is made where the next answer may differ, and nowhere else", () => {
    expect([429, 500, 502, 503, 599].map((status) => isTransient(of(status)))).toEqual(
      Array(5).fill(true),
    );
    expect([200, 302, 400, 404, 409, 422].map((status) => isTransient(of(status)))).toEqual(
      Array(6).fill(false),
    );
    expect(isTransient(new BatonError("UNREACHABLE", ""))).toBe(true);
    expect(isTransient(new Error("UNREACHABLE"))).toBe(false);
  });

  test("comes later each time, up to ten seconds, and never before the time that was told", () => {
    for (const [failures, least, most] of [
      [1, 100, 200],
      [3, 400, 800],
      [50, 5_000, 10_000],
    ] as const) {
      const pauses = Array.from({ length: 100 }, () => pauseAfter(failures));
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(least);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(most);
      expect(new Set(pauses).size).toBeGreaterThan(50);
    }
    expect(pauseAfter(1, 30)).toBeGreaterThanOrEqual(30_000);
    expect(pauseAfter(1, 1e9)).toBeLessThanOrEqual(310_000);
  });

  test("is made as often as was allowed", async () => {
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
      return Promise.reject(of(503));
    };
    const policy = { limitMs: 60_000, attemptsMax: 3 };
    await expect(retrying(attempt, policy, undefined)).rejects.toMatchObject({ status: 503 });
    expect(attempts).toBe(3);
  });
});
