/**
 * Collects the ops of many requests into one call to the sequencer (X2).
 *
 * It promises nothing and keeps nothing: an op is included when the sequencer says so, and whoever got no
 * answer submits again (I4). One call at a time, and the ops of the next one wait meanwhile: so groups grow
 * with the load, and the order in which a sender's ops arrived here is the order in which they are decided.
 */

import { queueFull, type Rejection, unavailable } from "../../core/api/rejection.ts";
import type { SignedUserOp, SoftConfirmation } from "../../core/api/sequencer-api.ts";
import { must } from "../../core/types/assert.ts";
import { err, type Result } from "../../core/types/result.ts";
import type { ObjectTime } from "../shared/committee-clock.ts";
import { GroupQueue, type Waiting } from "../shared/group-queue.ts";
import { type FindLeader, submitToLeader } from "../shared/submit-to-leader.ts";
import { within } from "../shared/within.ts";

type Outcome = Result<SoftConfirmation, Rejection>;

/**
 * How long one call may take. The ops of a later one are then refused as the group is that it holds up,
 * and what the late call still does is what a retry finds.
 */
export const CALL_MS_MAX = 10_000;

export class Collector {
  readonly #queue: GroupQueue<SignedUserOp, Outcome>;
  readonly #later: ObjectTime["later"];
  readonly #find: FindLeader;

  constructor(later: ObjectTime["later"], find: FindLeader) {
    this.#later = later;
    this.#find = find;
    // An op alone waits for company where the sequencer groups, and not here as well.
    this.#queue = new GroupQueue({ later, waitMs: 0, handle: (group) => this.#call(group) });
  }

  /** Resolves with the sequencer's answer to this op, or at once when too many wait (I5). */
  submit(op: SignedUserOp): Promise<Outcome> {
    return this.#queue.add(op) ?? Promise.resolve(err(queueFull));
  }

  async #call(group: readonly Waiting<SignedUserOp, Outcome>[]): Promise<void> {
    const ops = group.map(({ input }) => input);
    const outcomes = await within(this.#submit(ops), CALL_MS_MAX, this.#later);
    for (const [i, { reply }] of group.entries()) {
      reply(
        outcomes === null
          ? err(unavailable("starting"))
          : must(outcomes[i], "each op of a group has an outcome"),
      );
    }
  }

  /** Another deployment may lead by now: the next request is passed on to it before it gets here. */
  async #submit(ops: readonly SignedUserOp[]): Promise<readonly Outcome[]> {
    const moved = err(unavailable("following"));
    return (await submitToLeader(this.#find, ops)) ?? ops.map(() => moved);
  }
}
