/**
 * Ops on their way into the order.
 *
 * They queue in memory and are validated, executed and appended together, one commit of the lane for all
 * that arrived within a millisecond or fill a chunk. Nothing here awaits: between the validation of an op
 * and its row no other event runs (I3). If the object dies before the commit is durable, no 200 was sent,
 * and a client's retry is answered by I4. Under a committee the reply also waits for the chunk's
 * signature.
 */

import {
  applicationError,
  executionRejected,
  type Mode,
  queueFull,
  type Rejection,
  storageError,
  unavailable,
  uncertified,
} from "../../core/api/rejection.ts";
import type { SignedUserOp } from "../../core/api/sequencer-api.ts";
import { decideInclusion, mustCloseBeforeOp } from "../../core/lane/decide.ts";
import { must } from "../../core/types/assert.ts";
import { err, ok } from "../../core/types/result.ts";
import { GroupQueue, type Waiting } from "../shared/group-queue.ts";
import { errorName, log } from "../shared/log.ts";
import type { Counters } from "./counters.ts";
import { ApplicationFault, type Draft, guarded } from "./draft.ts";
import type { Memory } from "./memory.ts";
import {
  type Decision,
  type LaneCommittee,
  type Outcome,
  originalDecision,
  type Promised,
  withReceipts,
} from "./promise.ts";
import type { Runtime } from "./runtime.ts";

/** How long the first op of a group waits for company. */
const GROUP_MS = 1;

type Group = readonly Waiting<SignedUserOp, Outcome>[];

/** What a commit of the lane leaves behind. */
export type Committed<T> = {
  readonly value: T;
  /** Null without a committee. */
  readonly promised: Promised | null;
};

export type IntakeHooks = {
  readonly mode: () => Mode;
  readonly committee: LaneCommittee | null;
  readonly counters: Counters;
};

/** I5: an op for the order, if it is taken now. */
export function submitOp(
  parts: {
    readonly service: { readonly mode: () => Mode };
    readonly counters: Counters;
    readonly lane: { readonly submit: (op: SignedUserOp) => Promise<Outcome> };
  },
  op: SignedUserOp,
): Promise<Outcome> {
  const mode = parts.service.mode();
  if (mode === "serving") return parts.lane.submit(op);
  const refused = unavailable(mode);
  parts.counters.rejected(refused);
  return Promise.resolve(err(refused));
}

/** One transaction of the lane. */
type Commit = <T>(work: (draft: Draft, memory: Memory) => T) => Committed<T>;

export class Intake {
  readonly #runtime: Runtime;
  readonly #hooks: IntakeHooks;
  readonly #commit: Commit;
  readonly #queue: GroupQueue<SignedUserOp, Outcome>;
  /** When each op of the queue came. */
  readonly #arrivedMs: number[] = [];

  constructor(runtime: Runtime, hooks: IntakeHooks, commit: Commit) {
    this.#runtime = runtime;
    this.#hooks = hooks;
    this.#commit = commit;
    this.#queue = new GroupQueue({
      later: runtime.later,
      waitMs: GROUP_MS,
      handle: (group) => {
        this.#flush(group);
        return null;
      },
    });
  }

  get isFull(): boolean {
    return this.#queue.isFull;
  }

  /** Resolves when the op's chunk is appended, or at once when the queue is full (I5). */
  submit(op: SignedUserOp): Promise<Outcome> {
    const answer = this.#queue.add(op);
    if (answer === null) {
      this.#hooks.counters.rejected(queueFull);
      return Promise.resolve(err(queueFull));
    }
    this.#arrivedMs.push(this.#runtime.now());
    return answer;
  }

  #flush(group: Group): void {
    const arrivedMs = this.#arrivedMs.splice(0, group.length);
    const refusal = this.#refusal();
    if (refusal === null) {
      this.#include(group, arrivedMs);
      return;
    }
    this.#hooks.counters.rejected(refusal, group.length);
    for (const { reply } of group) reply(err(refusal));
  }

  #refusal(): Rejection | null {
    const { mode, committee } = this.#hooks;
    const now = mode();
    if (now !== "serving") return unavailable(now);
    return committee?.isFull() === true ? uncertified : null;
  }

  #include(group: Group, arrivedMs: readonly number[]): void {
    const { committee, counters } = this.#hooks;
    const { decisions, promised } = this.#includeGroup(group, arrivedMs);
    const answer = (outcomes: readonly Outcome[]) => {
      for (const [i, { reply }] of group.entries()) {
        const outcome = must(outcomes[i], "each has an outcome");
        if (!outcome.ok) counters.rejected(outcome.error);
        reply(outcome);
      }
    };
    if (committee === null || promised === null) answer(decisions);
    else void withReceipts(decisions, promised, committee).then(answer);
  }

  #includeGroup(
    group: Group,
    arrivedMs: readonly number[],
  ): {
    readonly decisions: readonly Decision[];
    readonly promised: Promised | null;
  } {
    try {
      let nextOffset = 0;
      const { value, promised } = this.#commit((draft, memory) => {
        ({ nextOffset } = memory.log);
        return group.map(({ input }) => this.#includeOne(draft, memory, input));
      });
      const nowMs = this.#runtime.now();
      this.#hooks.counters.committed(value, arrivedMs, { nextOffset, nowMs });
      return { decisions: value, promised };
    } catch (error) {
      // Nothing of the group was appended and the memory is dropped: every op may be sent again.
      const { requestId = null } = group[0]?.input ?? {};
      const fields = { error: errorName(error), ops: group.length, request_id: requestId };
      log("error", "chunk-failed", fields);
      const rejection = error instanceof ApplicationFault ? applicationError : storageError;
      return { decisions: group.map(() => err(rejection)), promised: null };
    }
  }

  #includeOne(draft: Draft, memory: Memory, op: SignedUserOp): Decision {
    if (mustCloseBeforeOp(draft.head, op.data.length)) draft.seal();
    const invalid = guarded(() => decideInclusion(memory.state, op, draft.head));
    if (invalid !== null) {
      // I4. Looked up only here, since an included op's nonce is used: its retry always lands here.
      return originalDecision(this.#runtime.sql, op) ?? err(executionRejected(invalid));
    }
    const place = draft.include(op);
    if (draft.head.batchBytes >= draft.targetBytes) draft.seal();
    return ok(place);
  }
}
