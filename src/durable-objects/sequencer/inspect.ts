/** The facts that the object's mode and its recovery are decided on, each read in one turn (R1, R3). */

import type { RecoveryFacts } from "../../core/recovery/controller.ts";
import { type DangerFacts, decideDanger } from "../../core/recovery/danger.ts";
import { blockNumber, type UnixMs } from "../../core/types/units.ts";
import type { Runtime } from "./runtime.ts";
import { divergedAtNonce, frontierNonce } from "./storage/acceptance.ts";
import { oldestUnaccepted, openBatchAge } from "./storage/egress.ts";
import { loadIdentity } from "./storage/identity.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { hasRollbackSafeSnapshot } from "./storage/snapshots.ts";

/** Whether the database belongs to the configured deployment, or to none yet. */
export function isOurs(runtime: Runtime): boolean {
  const identity = loadIdentity(runtime.sql);
  if (identity === null) return true;
  const { config, application } = runtime;
  return (
    identity.chainId === config.chainId &&
    identity.app === config.app &&
    identity.submitter === config.submitter &&
    identity.application === application.name &&
    identity.applicationConfig === JSON.stringify(application.describeConfig(config.appConfig))
  );
}

/** How often L1 is read: twice a block, between a quarter of a second and the model's two seconds. */
export function readPollMs(secondsPerBlock: number): number {
  return Math.min(2_000, Math.max(250, secondsPerBlock * 500));
}

/** R1: a wake-up reads L1 first, unless the safe head advanced within two reader polls and a block. */
export function isSyncDue(runtime: Runtime): boolean {
  const head = loadSafeHead(runtime.sql);
  if (head === null) return true;
  const { secondsPerBlock } = runtime.config.timing;
  const ageMs = runtime.now() - head.syncedAtMs;
  return ageMs < 0 || ageMs > 2 * readPollMs(secondsPerBlock) + secondsPerBlock * 1000;
}

/** What danger is decided on. Genesis must be done. */
export function inspectDanger(sql: SqlStorage, nowMs: UnixMs): DangerFacts {
  const head = loadSafeHead(sql);
  return {
    divergedAtNonce: divergedAtNonce(sql),
    safeBlock: head?.blockNumber ?? blockNumber(0),
    safeBlockTimestampS: head?.blockTimestamp ?? null,
    lastProgressMs: head?.syncedAtMs ?? nowMs,
    nowMs,
    oldestClosed: oldestUnaccepted(sql, frontierNonce(sql)),
    tip: openBatchAge(sql),
  };
}

/** What recovery's next phase is decided on. Genesis must be done. */
export function inspectRecovery(runtime: Runtime): RecoveryFacts {
  const { sql, config } = runtime;
  return {
    danger: decideDanger(inspectDanger(sql, runtime.now()), config.timing),
    hasRollbackSafeSnapshot: hasRollbackSafeSnapshot(sql),
    hasOpenTip: openBatchAge(sql) !== null,
    safeBlock: loadSafeHead(sql)?.blockNumber ?? null,
  };
}
