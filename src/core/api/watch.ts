/** What `GET /metrics` asks of a deployment's objects, as data that crosses the object boundary. */

import type { ValidatorBody } from "./committee-api.ts";
import type { OverviewBody } from "./overview.ts";

/** What the consensus library counted in this life of an object (C5, C8). */
export type ConsensusBody = {
  readonly proposals: Readonly<Record<"committed" | "aborted" | "expired", number>>;
  /** Keys are `from,to`; each pair of roles is there. */
  readonly role_transitions: Readonly<Record<string, number>>;
  /** Seconds; observations per bucket, not cumulative, one more than bounds. */
  readonly commit_latency: {
    readonly bounds_s: readonly number[];
    readonly counts: readonly number[];
    readonly sum_s: number;
  };
  readonly pending_proposals: number;
  readonly term: number;
};

/** `consensus`: null without a committee, and before its founding. */
export type SequencerWatch = {
  readonly overview: OverviewBody;
  readonly consensus: ConsensusBody | null;
};

export type ValidatorWatch = {
  readonly status: ValidatorBody;
  readonly consensus: ConsensusBody | null;
};
