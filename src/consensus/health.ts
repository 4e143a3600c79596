/** Whether a candidate does its work: what it leads, how far its log is, and who answers it. */

import { uncertifiedEvents } from "../core/consensus/broadcast.ts";
import type { CandidateOptions, Health } from "./conductor-types.ts";
import type { Lead } from "./lead.ts";

/** `certifiedMs`: when the log last grew by a certificate here. */
export async function healthOf(
  { manager, store, rules }: Pick<CandidateOptions, "manager" | "store" | "rules">,
  lead: Lead | null,
  certifiedMs: number | null,
  nowMs: number,
): Promise<Health> {
  const { newest, certified } = await store.ends();
  const { record } = manager.current();
  const state = lead?.state ?? null;
  const { quorumLostMs } = rules.broadcast;
  return {
    isLeader: lead !== null,
    isServing: lead?.isServing ?? false,
    epoch: record.epoch,
    acceptedHeight: newest.height,
    certifiedHeight: certified.height,
    uncertifiedEvents: state === null ? 0 : uncertifiedEvents(state),
    headAgeMs: certifiedMs === null ? null : nowMs - certifiedMs,
    reachable: state?.heardMs.filter((at) => nowMs - at < quorumLostMs).length ?? null,
    quorum: record.quorum,
  };
}
