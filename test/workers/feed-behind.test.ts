/** Readers that are behind while history is deleted, or while there are many of them (F6, F8). */

import { describe, expect, test } from "vitest";
import { retain } from "../../src/durable-objects/sequencer/retain.ts";
import { fillAfterGenesis, fillWithLong, refusal, subscribe } from "./support/feed.ts";
import { closeBatch, deposit, foundWithUsers, land, submitMany, user } from "./support/history.ts";
import { type RigOptions, withRig } from "./support/rig.ts";

/** Always too large: what may be deleted, is. */
const FULL: RigOptions = { vars: { SEQ_RETENTION_BYTES: "1" } };

describe("[F8] a reader that is behind while history is deleted", () => {
  test("is closed where its next records are gone: no hole is passed over in silence", () =>
    withRig(async (rig) => {
      deposit(rig, user(0), 10n ** 15n, 5);
      fillWithLong(rig, 20);
      const reader = subscribe(rig);
      await reader.until(() => reader.texts.length > 0);
      closeBatch(rig);
      land(rig, 0, 104);
      while (retain(rig.runtime));
      rig.feed.pump();
      await submitMany(rig, 0, 0, 1);
      await reader.until(() => reader.closed !== null || reader.offsets().includes(22));
      expect(reader.closed).toEqual({ code: 1008, reason: "history unavailable" });
      expect(reader.offsets()).toEqual(reader.texts.map((_, i) => i + 1));
      expect(rig.feed.subscribers).toBe(0);
      const fromOffset = reader.offsets().at(-1) ?? 0;
      expect(refusal(rig, { fromOffset })).toEqual([409, "HISTORY_UNAVAILABLE"]);
    }, FULL));

  test("goes on where what was deleted ends just before its next record", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      closeBatch(rig);
      land(rig, 0, 104);
      fillAfterGenesis(rig, 20);
      const reader = subscribe(rig, { fromOffset: 1 });
      await reader.until(() => reader.texts.length === 8);
      while (retain(rig.runtime));
      rig.nowMs += 1_000;
      rig.feed.pump();
      await reader.until(() => reader.closed !== null || reader.texts.length > 8);
      expect([reader.closed, reader.offsets()[8]]).toEqual([null, 10]);
    }, FULL));
});

describe("[F6] 32 MiB in the object", () => {
  test("are kept when readers come faster than the pump", () =>
    withRig((rig) => {
      // Eight of these records are just less than a MiB, and a reader's first page.
      fillWithLong(rig, 8);
      const subscribers: number[] = [];
      for (let i = 0; i < 34; i++) {
        subscribe(rig);
        subscribers.push(rig.feed.subscribers);
      }
      expect(subscribers.slice(31)).toEqual([32, 32, 32]);
    }));
});
