/** One call to the sequencer that leads, for many ops: of a gateway, or of a submit channel. */

import type { Rejection } from "../../core/api/rejection.ts";
import type { SequencerApi, SignedUserOp, SoftConfirmation } from "../../core/api/sequencer-api.ts";
import { assert } from "../../core/types/assert.ts";
import { err, type Result } from "../../core/types/result.ts";
import { rejectionOf } from "./failed-call.ts";

type Outcome = Result<SoftConfirmation, Rejection>;

/** As much of a sequencer as takes ops. */
export type Leader = Pick<SequencerApi, "submitGroup">;

/**
 * Asked for each call: another candidate may lead by then, and a stub that saw its object restart fails
 * for ever. Null: none of this deployment's objects leads.
 */
export type FindLeader = () => Promise<Leader | null>;

/** One outcome for each op, at most `CHUNK_OPS_MAX`; null where `find` answers null. Never rejected. */
export async function submitToLeader(
  find: FindLeader,
  ops: readonly SignedUserOp[],
): Promise<readonly Outcome[] | null> {
  try {
    const leader = await find();
    if (leader === null) return null;
    const outcomes = await leader.submitGroup(ops);
    assert(outcomes.length === ops.length, "each op of a group has an outcome");
    return outcomes;
  } catch (error) {
    // The object failed mid-call: each op may be included or not, as after a failed request (I4).
    const refused = err(rejectionOf(error));
    return ops.map(() => refused);
  }
}
