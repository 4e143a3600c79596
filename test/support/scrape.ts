/** A scrape in which every metric is there: a leader that recovers, under a committee, and its validators. */

import type { ValidatorBody } from "../../src/core/api/committee-api.ts";
import type { ConsensusBody } from "../../src/core/api/watch.ts";
import type { Point } from "../../src/core/metrics/exposition.ts";
import { limitPoints, sequencerPoints, validatorPoints } from "../../src/core/metrics/points.ts";
import { overviewBody } from "./overview-body.ts";

export const CONSENSUS: ConsensusBody = {
  proposals: { committed: 9_121, aborted: 2, expired: 0 },
  role_transitions: { "follower,leader": 2, "leader,follower": 1 },
  commit_latency: { bounds_s: [0.005, 0.1, 1], counts: [4, 3, 0, 1], sum_s: 2.25 },
  pending_proposals: 3,
  term: 2,
};

const VALIDATOR: ValidatorBody = {
  ...{ name: "v1", mode: "linkage", fault: null, epoch: 2, promised_epoch: 2, is_member: true },
  ...{ term: 2, role: "follower", acked_height: 9_120, certified_height: 9_120 },
  ...{ stored_chunks: 4_100, evidence: 0, snapshots: [] },
};

export function fullScrape(): readonly Point[] {
  const { health } = overviewBody();
  const overview = overviewBody({
    health: {
      ...health,
      mode: "recovering",
      recovery: {
        ...{ phase: "flush", since_s: 61, flush_from: 3, flush_to: 5 },
        ...{ is_capped: true, is_over_budget: false },
      },
    },
  });
  return [
    ...sequencerPoints({ candidate: "a" }, { overview, consensus: CONSENSUS }),
    ...sequencerPoints({ candidate: "b" }, null),
    ...validatorPoints({ validator: "v1" }, { status: VALIDATOR, consensus: CONSENSUS }),
    ...validatorPoints({ validator: "v2" }, null),
    ...limitPoints(10n ** 17n),
  ];
}
