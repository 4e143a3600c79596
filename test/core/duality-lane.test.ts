/**
 * The lane's prediction against the canonical fold: one random L1, one answer.
 *
 * The lane sees L1 late, its batches land late and sometimes twice, strangers post anything, and the
 * submitter's own key posts garbage besides. As long as no batch is late beyond its limit, the fold
 * must execute exactly what the lane promised, in its order.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { decideAcceptance } from "../../src/core/scheduler/acceptance.ts";
import { createScheduler } from "../../src/core/scheduler/scheduler.ts";
import { batchNonce } from "../../src/core/types/units.ts";
import { L1Ledger, recoverSymbolic, SEQUENCER } from "../support/l1-ledger.ts";
import { STRANGERS, USERS } from "../support/l1-stream.ts";
import { PaperLane } from "../support/paper-lane.ts";
import { recordingState } from "../support/recording-app.ts";
import { size } from "../support/size.ts";

const SAFE_LAG = 8;
const FIRST_BLOCK = 100;

const bytes = fc.uint8Array({ maxLength: 8 });
const steps = fc.oneof(
  fc.record({ do: fc.constant("mine" as const), blocks: fc.constantFrom(0, 1, 2, 5, 13) }),
  fc.record({ do: fc.constant("direct" as const), from: fc.constantFrom(...STRANGERS), bytes }),
  fc.record({
    do: fc.constant("op" as const),
    from: fc.constantFrom(...USERS),
    shift: fc.constantFrom(0, 0, 0, 1),
    maxFee: fc.constantFrom(9, 10, 12, 500),
    bytes,
  }),
  fc.record({ do: fc.constant("seal" as const) }),
  fc.record({ do: fc.constant("land" as const), again: fc.boolean() }),
  fc.record({ do: fc.constant("garbage" as const), bytes }),
  fc.record({ do: fc.constant("fee" as const), fee: fc.constantFrom(10, 11, 400) }),
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

function play(script: readonly Step[]) {
  const ledger = new L1Ledger(FIRST_BLOCK);
  const lane = new PaperLane(ledger, FIRST_BLOCK - SAFE_LAG);
  let landed = 0;
  let fee = 10;
  const land = () => {
    const batch = lane.sealed[landed];
    if (batch === undefined) return;
    ledger.batch(batch);
    landed++;
  };
  for (const step of script) {
    switch (step.do) {
      case "mine":
        ledger.advance(step.blocks);
        lane.observe(ledger.block - SAFE_LAG, fee);
        break;
      case "direct":
        ledger.bytes(step.bytes, step.from);
        break;
      case "op": {
        const nonce = lane.state.nextNonce(step.from) + step.shift;
        lane.submit(step.from, { nonce, maxFee: step.maxFee, data: step.bytes });
        break;
      }
      case "seal":
        lane.seal();
        break;
      case "land": {
        const before = lane.sealed[landed - 1];
        // At least once: a batch that is already there may land again.
        if (step.again && before !== undefined) ledger.batch(before);
        else land();
        break;
      }
      case "garbage":
        ledger.bytes(step.bytes, SEQUENCER);
        break;
      case "fee":
        fee = step.fee;
        break;
    }
  }
  // Everything that L1 holds becomes safe, is drained, sealed and landed.
  ledger.advance(SAFE_LAG + 5);
  lane.observe(ledger.block - SAFE_LAG, fee);
  lane.seal();
  while (landed < lane.sealed.length) land();
  return { ledger, lane };
}

test("[S2] [N1] the fold, the predicate and the lane's prediction have one answer", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), (script) => {
      const { ledger, lane } = play(script);
      const state = recordingState();
      const scheduler = createScheduler({
        config: { sequencer: SEQUENCER },
        state,
        recover: recoverSymbolic,
      });
      let expected = batchNonce(0);
      for (const input of ledger.inputs) {
        const { outcome } = scheduler.process(input);
        const predicted = decideAcceptance(expected, input, SEQUENCER);
        expect(predicted.accepted).toBe(outcome.kind === "batch-executed");
        if (predicted.accepted) expected = batchNonce(expected + 1);
      }
      expect(expected).toBe(lane.sealed.length);
      expect(state.log).toEqual(lane.state.log);
      expect(scheduler.checkpoint().fridge).toEqual([]);
    }),
    { numRuns: size(300, 20_000) },
  );
});
