/** The library's candidate on this object's database, transport and clock. */

import type { BeginningHooks } from "../../consensus/beginnings.ts";
import { Candidate } from "../../consensus/candidate.ts";
import type { Judge } from "../../consensus/clock.ts";
import { type CandidateEvents, CONDUCTOR_RULES } from "../../consensus/conductor-types.ts";
import type { EpochManager } from "../../consensus/epoch-manager.ts";
import type { Metrics } from "../../consensus/metrics.ts";
import type { PayloadCheck } from "../../consensus/payload.ts";
import type { PayloadStore } from "../../consensus/payload-store.ts";
import type { KnownRecord } from "../../core/consensus/epoch-record.ts";
import { schemes, settleAsync } from "../../crypto/schemes/registry.ts";
import { committeeClock } from "../shared/committee-clock.ts";
import type { CommitteeTransport } from "../shared/committee-transport.ts";
import type { MemberKey } from "../shared/member-key.ts";
import type { Runtime } from "./runtime.ts";
import { logStore, type SignatureBook } from "./storage/log-store.ts";
import { commitLog } from "./storage/proposals.ts";
import { neededHeight } from "./storage/retention.ts";

export const JUDGE: Judge = { schemes, settle: settleAsync };

/** What the library leaves to the owner of the log. */
export type LogHooks = {
  /** C6: writes the chunk that opens the epoch. */
  readonly open: (known: KnownRecord) => Promise<void>;
  /** Takes chunks of another leader (C6). */
  readonly adopt: PayloadStore["adopt"];
  readonly begin: BeginningHooks;
  /** More of another leader's log is certified. */
  readonly grew: () => void;
  readonly checkWith: (recordOf: (epoch: number) => KnownRecord | null) => PayloadCheck;
};

export type CandidateParts = {
  readonly runtime: Runtime;
  readonly transport: CommitteeTransport;
  readonly hooks: LogHooks;
  readonly signatures: SignatureBook;
  readonly manager: EpochManager;
  readonly key: MemberKey;
  readonly metrics: Metrics;
};

export function newCandidate(parts: CandidateParts, events: CandidateEvents): Candidate {
  const { runtime, transport, hooks, signatures, manager, metrics } = parts;
  const { storage, now, config, random, sql } = runtime;
  const { open, adopt, begin, grew, checkWith } = hooks;
  const { signer } = parts.key;
  const around = { clock: committeeClock(runtime), random, transport, judge: JUDGE };
  const options = {
    ...{ manager, signer, rules: CONDUCTOR_RULES, metrics, open, begin },
    store: logStore({ storage, now, adopt, grew, signatures }),
    log: commitLog(storage, config),
    checkPayload: checkWith(manager.record),
    placeOf: () => null,
    retain: () => neededHeight(sql),
  };
  return new Candidate(options, around, events);
}
