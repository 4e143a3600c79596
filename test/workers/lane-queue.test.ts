/** The lane's queue: bounded, drained a chunk a turn, and told about before an op waits in vain. */

import { expect, test } from "vitest";
import { queueFull } from "../../src/core/api/rejection.ts";
import { CHUNK_OPS_MAX, QUEUE_OPS_MAX } from "../../src/core/types/protocol.ts";
import { foundWithUsers, transfer } from "./support/history.ts";
import { withRig } from "./support/rig.ts";

test("[I5] op 8 192 waits, op 8 193 is refused at once with queue full", () =>
  withRig(async (rig) => {
    foundWithUsers(rig, 1);
    // One turn: no timer runs between the submissions. Copies of one op keep the work small.
    const outcomes = Array.from({ length: QUEUE_OPS_MAX }, () => rig.lane.submit(transfer(0, 0)));
    expect(rig.lane.isQueueFull).toBe(true);
    expect(await rig.lane.submit(transfer(0, 0))).toEqual({ ok: false, error: queueFull });
    const first = await outcomes[0];
    expect(first).toMatchObject({ ok: true });
    // The first chunk is answered while the rest still waits, and there is room again.
    expect(rig.lane.isQueueFull).toBe(false);
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toEqual(first);
  }));

test("[I5] what waits when service stops is refused with the mode, chunk by chunk", () =>
  withRig(async (rig) => {
    foundWithUsers(rig, 1);
    const outcomes = Array.from({ length: CHUNK_OPS_MAX + 1 }, (_, nonce) =>
      rig.lane.submit(transfer(0, nonce)),
    );
    await outcomes[0];
    rig.mode = "refused";
    const last = await outcomes[CHUNK_OPS_MAX];
    expect(last).toMatchObject({
      ok: false,
      error: { status: 503, code: "UNAVAILABLE", message: "sequencer refused" },
    });
  }));
