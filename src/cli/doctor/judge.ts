/** What `baton doctor` makes of numbers. Pure: facts in, a check out. Why the limits: docs/cli.md. */

import type { MemberBody } from "../../core/api/overview.ts";
import type { CommitteeBody, HealthBody } from "../../core/api/sequencer-api.ts";
import { formatAge, formatEther } from "../overview.ts";
import { type Check, fail, ok, skip, warn } from "./check.ts";

export const LATENCY_WARN_MS = 1_000;
export const SKEW_WARN_MS = 5_000;
export const SKEW_FAIL_MS = 60_000;
/** Twice what the safe head may be moved by at once, and the default margin of a batch in danger. */
export const LAG_WARN_BLOCKS = 64;
export const LAG_FAIL_BLOCKS = 300;
/** What the no-ops of one recovery may cost by default, and one of them at the highest fee. */
export const BALANCE_WARN_WEI: bigint = 10n ** 17n;
export const BALANCE_FAIL_WEI: bigint = 131n * 10n ** 14n;
/** The heartbeat comes each minute. */
export const HEARTBEAT_WARN_S = 180;
export const HEARTBEAT_FAIL_S = 900;

const RUNBOOK = "see docs/operations.md";

export function judgeLatency(medianMs: number): Check {
  const says = `answers in ${medianMs.toFixed(0)} ms`;
  if (medianMs <= LATENCY_WARN_MS) return ok("reachable", says);
  return warn("reachable", says, "ask from nearer, or look at what stands in between");
}

/** Above zero: the sequencer's clock is ahead of ours. */
export function judgeSkew(skewMs: number, doubtMs: number): Check {
  const off = Math.max(0, Math.abs(skewMs) - doubtMs);
  const direction = skewMs > 0 ? "ahead of" : "behind";
  const says = `${formatAge(off / 1000)} ${direction} this machine's`;
  if (off < SKEW_WARN_MS) return ok("clock", "agrees with this machine's");
  const advice = "set the clock that is wrong: danger is told by it (docs/recovery.md)";
  return off < SKEW_FAIL_MS ? warn("clock", says, advice) : fail("clock", says, advice);
}

export function judgeMode({ mode, status, refusal, recovery }: HealthBody): Check {
  if (mode === "serving" && status === "ok") return ok("serving", "takes ops");
  if (mode === "serving") {
    return warn(
      "serving",
      "takes ops, and not all of them",
      "it is overloaded, or awaits certificates",
    );
  }
  if (mode === "refused") return fail("serving", `refused: ${refusal ?? "no reason"}`, RUNBOOK);
  if (mode === "recovering") {
    const phase =
      recovery === null ? "" : ` (${recovery.phase} for ${formatAge(recovery.since_s)})`;
    return fail(
      "serving",
      `recovering${phase}`,
      "wait: a flush takes 7 to 14 minutes; baton flush",
    );
  }
  return fail("serving", mode, "ask again in some seconds; when it stays, see docs/operations.md");
}

export function judgeDanger(blocksToDanger: number | null, dangerBlocks: number): Check {
  if (blocksToDanger === null)
    return skip("danger", "nothing waits for L1, or L1 was not seen yet");
  const says = `${blocksToDanger} of ${dangerBlocks} blocks are left for the oldest batch`;
  if (blocksToDanger === 0) return fail("danger", says, "a recovery voids what cannot land");
  if (blocksToDanger * 3 >= dangerBlocks) return ok("danger", says);
  return warn("danger", says, "why is the oldest batch not on L1? baton flush, docs/operations.md");
}

/** `theirs`: the endpoint's safe block; `ours`: what the sequencer has read. */
export function judgeLag(ours: number | null, theirs: number): Check {
  if (ours === null) return fail("L1 lag", "the sequencer has read nothing of L1", RUNBOOK);
  const behind = theirs - ours;
  if (behind < -LAG_WARN_BLOCKS) {
    return warn(
      "L1 lag",
      `this endpoint is ${-behind} blocks behind the sequencer's`,
      "ask another one",
    );
  }
  const says = `safe block ${ours}, ${Math.max(0, behind)} behind this endpoint's`;
  if (behind <= LAG_WARN_BLOCKS) return ok("L1 lag", says);
  const advice = "look at the sequencer's own endpoints: l1-error in its log says why";
  return behind <= LAG_FAIL_BLOCKS ? warn("L1 lag", says, advice) : fail("L1 lag", says, advice);
}

/** Seconds since the newest block and the safe one, by this machine's clock. */
export function judgeProgress(ages: {
  readonly latestS: number;
  readonly safeS: number;
  readonly secondsPerBlock: number;
}): Check {
  const { latestS, safeS, secondsPerBlock } = ages;
  const says = `newest block ${formatAge(latestS)} old, the safe one ${formatAge(safeS)}`;
  if (latestS > 20 * secondsPerBlock + 60) {
    return fail("L1 blocks", says, "the endpoint or the chain stands still: use another endpoint");
  }
  if (safeS <= 128 * secondsPerBlock + 60) return ok("L1 blocks", says);
  return warn("L1 blocks", says, "Ethereum does not finalise: nothing can be done here but wait");
}

export function judgeBalance(wei: bigint, submitter: string): Check {
  const says = `${formatEther(wei)} on ${submitter}`;
  if (wei >= BALANCE_WARN_WEI) return ok("submitter", says);
  const advice = "send ether to it: batches and a recovery's no-ops are paid from there";
  return wei >= BALANCE_FAIL_WEI
    ? warn("submitter", says, advice)
    : fail("submitter", says, advice);
}

export function judgeHeartbeat(ageS: number | null, lifeS: number, isLocal: boolean): Check {
  if (ageS === null) {
    if (isLocal) return skip("cron", "a local stack has none");
    if (lifeS < HEARTBEAT_WARN_S) return skip("cron", "not yet in this life of the object");
    return fail("cron", "no heartbeat has come", "is [triggers] crons deployed with the Worker?");
  }
  const says = `the last heartbeat came ${formatAge(ageS)} ago`;
  if (ageS <= HEARTBEAT_WARN_S || isLocal) return ok("cron", says);
  const advice = "a lost alarm stays lost without it: look at the Worker's cron triggers";
  return ageS <= HEARTBEAT_FAIL_S ? warn("cron", says, advice) : fail("cron", says, advice);
}

export function judgeCommittee(
  body: CommitteeBody,
  members: readonly MemberBody[],
): readonly Check[] {
  const { epoch, leader, reachable, quorum, reason, evidence } = body;
  if (epoch === null || quorum === null) {
    return [
      fail("committee", "not founded", "POST /operator/committee (docs/protocol/committee.md)"),
    ];
  }
  const away = members.filter((member) => member.is_reachable === false);
  const lost = away.map((member) => member.endpoint).join(", ");
  const says = `${leader ?? "?"} leads epoch ${epoch}, ${reachable ?? "?"} of ${members.length} validators answer, quorum ${quorum}`;
  return [
    reachable !== null && reachable < quorum
      ? fail("committee", `${says}; silent: ${lost}`, "bring them back: nothing is certified")
      : away.length > 0
        ? warn("committee", `${says}; silent: ${lost}`, "bring them back before another one goes")
        : ok("committee", says),
    reason === null
      ? ok(
          "certificates",
          `certified up to height ${body.certified_height}, ${body.uncertified_events} events wait`,
        )
      : fail("certificates", `nothing is certified: ${reason}`, RUNBOOK),
    evidence === 0
      ? ok("evidence", "no member broke its word")
      : fail(
          "evidence",
          `${evidence} proofs of a broken promise`,
          "stop trusting that member; keep the proofs",
        ),
  ];
}
