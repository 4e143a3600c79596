/** What the machine around the code is made of: its decisions, its bounds, and what it allows itself. */

import { decideRecovery } from "../../src/core/recovery/controller.ts";
import { decideDanger } from "../../src/core/recovery/danger.ts";
import { decideFlush } from "../../src/core/recovery/flush.ts";
import { decidePivot } from "../../src/core/recovery/pivot.ts";
import { decideAcceptance } from "../../src/core/scheduler/acceptance.ts";
import { decideSubmission } from "../../src/core/submission/decide.ts";

/** The functions of `src/core` that decide, each replaceable by one with a thought missing. */
export type Decisions = {
  readonly danger: typeof decideDanger;
  readonly recovery: typeof decideRecovery;
  readonly pivot: typeof decidePivot;
  readonly flush: typeof decideFlush;
  readonly submission: typeof decideSubmission;
  readonly acceptance: typeof decideAcceptance;
};

export const REAL: Decisions = {
  danger: decideDanger,
  recovery: decideRecovery,
  pivot: decidePivot,
  flush: decideFlush,
  submission: decideSubmission,
  acceptance: decideAcceptance,
};

export type Bounds = {
  /** Batches ever opened, void ones included. */
  readonly batchesMax: number;
  /** Wallet nonces ever used. */
  readonly slotsMax: number;
  /** Steps of the safe head. */
  readonly safeHeadMax: number;
};

export type Config = {
  readonly decisions: Decisions;
  readonly bounds: Bounds;
  /** Whether L1 may undo the newest landing above the safe head. */
  readonly hasReorgs: boolean;
  /** Whether a posting tick may sleep between its view of L1 and its sends, through anything. */
  readonly hasSleepers: boolean;
  /** False: posting goes on during recovery, which the object must not do. */
  readonly stopsPosting: boolean;
  /** False: what a cascade must have seen is not asserted, so that a trace shows what comes of it. */
  readonly assertsWitness: boolean;
};
