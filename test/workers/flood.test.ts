/** More direct inputs at once than an isolate should hold: they are drained in pages, and readers page too. */

import { describe, expect, test } from "vitest";
import { offset } from "../../src/core/types/units.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { addInput, count, found, foundWithUsers, observe, user } from "./support/history.ts";
import { read } from "./support/reader.ts";
import { type Rig, withRig } from "./support/rig.ts";

/** Nine of them are more than what a commit holds for readers; 70 are more than a page of rows. */
const LONG = new Uint8Array(65_216).fill(1);
const INPUTS = 70;

function flood(rig: Rig, block: number): void {
  for (let i = 0; i < INPUTS; i++) addInput(rig, user(i % 3), LONG, block);
}

const inputIndices = (rig: Rig, from: number): readonly number[] =>
  recordsAfter(rig.sql, offset(from), 1_000).flatMap((record) =>
    record.kind === "direct_input" ? [record.inputIndex] : [],
  );

describe("a flood of direct inputs", () => {
  test("[N2] a genesis drains all of them, each once and in order, in chunks of at most 1 MiB", () =>
    withRig((rig) => {
      flood(rig, 5);
      found(rig);
      expect(inputIndices(rig, 0)).toEqual(Array.from({ length: INPUTS }, (_, i) => i));
      expect(rig.published).toEqual([]);
      expect(count(rig, "chunks")).toBeGreaterThanOrEqual(
        Math.ceil((INPUTS * LONG.length) / 2 ** 20),
      );
      const before = rig.live().state.snapshot();
      expect(rig.wake().live().state.snapshot()).toEqual(before);
    }));

  test("[F1] a reader that follows gets them in pages, none twice and none left out", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 2);
      const head = rig.live().log.nextOffset - 1;
      const answer = rig.feed.subscribe({ fromOffset: head, era: null, isBatched: true });
      const reader = answer.ok ? read(answer.value) : expect.unreachable(answer.error.message);
      flood(rig, 120);
      observe(rig, 130);
      rig.lane.advance();
      rig.nowMs += 1_000;
      rig.feed.pump();
      const expected = Array.from({ length: INPUTS }, (_, i) => head + 1 + i);
      const server = rig.state.getWebSockets().at(0) ?? expect.unreachable("a socket is open");
      for (let seen = 0; seen < INPUTS; seen = reader.offsets().length) {
        await reader.until(() => reader.offsets().length > seen);
        rig.feed.onMessage(server, "{}");
      }
      expect(reader.offsets()).toEqual(expected);
    }));
});
