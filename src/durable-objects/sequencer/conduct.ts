/** What an operator asks of a candidate and tells it: who leads, pauses, stops, transfers (C6, C8). */

import type {
  ConductorCommand,
  ConductorProblem,
  ConductorServer,
  ConductorState,
} from "../../core/api/conductor-rpc.ts";
import type { KnownRecord } from "../../core/consensus/epoch-record.ts";
import { leaderOf } from "../../core/consensus/signed-header.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { log } from "../shared/log.ts";
import type { All } from "./assemble.ts";
import type { Certify } from "./certify.ts";
import { committeeBody } from "./committee-status.ts";
import { isResetting } from "./storage/replica-reset.ts";

/** Null without a committee, and before its founding. */
export function conductorState(all: All): ConductorState | null {
  const { member, service } = all;
  const record = member?.certify.record ?? null;
  if (member === null || record === null) return null;
  const { certify, own } = member;
  const leader = leaderOf(record.record);
  const isServing = certify.leads();
  const { isPaused = false } = certify.candidate ?? {};
  return {
    isLeader: isServing,
    leader: serverOf(leader),
    isPaused,
    isStopped: certify.isStopped,
    isHealthy:
      leader.id === own.id
        ? service.mode() === "serving" && isCertifying(all, certify)
        : follows(all),
    servers: record.record.candidates.map(serverOf),
    epoch: record.record.epoch,
  };
}

/** A transfer is begun, and goes on by itself. */
export async function conduct(
  { member, runtime }: Pick<All, "member" | "runtime">,
  command: ConductorCommand,
): Promise<Result<null, ConductorProblem>> {
  const certify = member?.certify ?? null;
  const record = certify?.record ?? null;
  if (certify === null || record === null) return err("no-committee");
  log("warn", "conducted", { command: command.do });
  switch (command.do) {
    case "pause":
      await certify.conduct("paused");
      return ok(null);
    case "stop":
      await certify.conduct("stopped");
      return ok(null);
    case "resume":
      await certify.conduct("active");
      return ok(null);
    case "transfer":
      return await transfer(certify, record, command.to, () => nextTurn(runtime.later));
  }
}

async function transfer(
  certify: Certify,
  { record }: KnownRecord,
  to: { readonly id: string; readonly addr: string } | null,
  turn: () => Promise<null>,
): Promise<Result<null, ConductorProblem>> {
  if (certify.isStopped) return err("stopped");
  const isKnown = ({ id, endpoint }: { readonly id: string; readonly endpoint: string }): boolean =>
    id === to?.id && endpoint === to.addr;
  if (to !== null && !record.candidates.some(isKnown)) return err("no-successor");
  const successor = certify.manager?.successor(to?.id ?? null) ?? null;
  if (successor?.ok === false) return err(successor.error);
  // What cannot be begun says so at once; what is begun takes as long as an election.
  const moved = await Promise.race([certify.handOver(to?.id ?? null), turn()]);
  if (moved === null || moved.ok) return ok(null);
  const { reason } = moved.error;
  return reason === "timeout" ? ok(null) : err(reason);
}

function nextTurn(later: All["runtime"]["later"]): Promise<null> {
  return new Promise((resolve) => {
    later(() => resolve(null), 0);
  });
}

function serverOf({
  id,
  endpoint: addr,
}: {
  readonly id: string;
  readonly endpoint: string;
}): ConductorServer {
  return { id, addr, suffrage: 0 };
}

function isCertifying({ runtime, member }: All, certify: Certify): boolean {
  if (member === null) return false;
  const { reachable, quorum, reason } = committeeBody(runtime, certify, member.own);
  return reason === null && (reachable ?? 0) >= (quorum ?? Number.POSITIVE_INFINITY);
}

/** Whether it could take over: its committee's part runs, and its log is whole. */
function follows({ member, runtime, service }: All): boolean {
  return (
    member?.certify.candidate?.isRunning === true &&
    service.mode() === "following" &&
    !isResetting(runtime.sql)
  );
}
