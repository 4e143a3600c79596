/**
 * The states that a validator keeps for whoever has to rebuild: of the newest two certified seals, and of a
 * few older ones; and the chunks that it keeps, from one of those on (C4, C6).
 *
 * It asks the leader for the bytes by the hash that the seal names, part after part, and believes the
 * hash alone. A download that ends early goes on where it stopped.
 */

import type { Config } from "../../core/config/config.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { MAX_WAIT_BLOCKS } from "../../core/types/protocol.ts";
import { log } from "../shared/log.ts";
import type { AskPart } from "../shared/snapshot-client.ts";
import { download, type StateParts } from "../shared/state-parts.ts";
import { transact } from "../shared/transact.ts";
import type { ValidatorRuntime } from "./runtime.ts";
import { archiveFloor, pruneArchive } from "./storage/chunks.ts";
import {
  beginningHeight,
  dropParts,
  dropVoid,
  insertPart,
  insertSnapshot,
  loadPart,
  missingSnapshot,
  type OlderStates,
  partsHeld,
  type Seal,
  thinSnapshots,
  wholeState,
} from "./storage/snapshots.ts";

/** Certified chunks that stay for those who catch up even when there is no room. */
const ARCHIVE_CHUNKS_LEAST = 8_192;
/** At this size of the database the archive gives way. */
const ARCHIVE_BYTES_MAX = 6 * 1024 ** 3;
const PRUNE_PAGE = 1_024;
/** Older states in the window, by what is checked: whoever executes begins anew from them more closely. */
const OLDER_STATES = { linkage: 4, full: 24 } as const;

/** One step of the duty: bounded, and may be repeated at any time. */
export async function keepSnapshots(
  runtime: ValidatorRuntime,
  leader: string,
  ask: AskPart,
): Promise<void> {
  const { storage, sql } = runtime;
  transact(storage, () => dropVoid(sql));
  const seal = missingSnapshot(sql);
  if (seal !== null) {
    const { stateHash: hash } = seal;
    const askLeader = (part: number) => ask(leader, hash, part);
    if (await download(partsOf(runtime, hash), hash, askLeader)) keep(runtime, seal);
  }
  prune(runtime);
}

function partsOf({ storage, sql }: ValidatorRuntime, hash: Hash32): StateParts {
  return {
    held: () => partsHeld(sql, hash),
    load: (part) => loadPart(sql, hash, part),
    insert: (part, bytes) => transact(storage, () => insertPart(sql, hash, part, bytes)),
  };
}

function keep(runtime: ValidatorRuntime, seal: Seal): void {
  const { storage, sql, now } = runtime;
  const state = wholeState(sql, seal.stateHash);
  transact(storage, () => {
    // The seal may have become void while its parts came.
    if (missingSnapshot(sql)?.height !== seal.height) return;
    if (state === null) dropParts(sql, seal.stateHash);
    else insertSnapshot(sql, seal, state.length, now());
    thinSnapshots(sql, now(), olderStates(runtime));
  });
  if (state === null) log("warn", "snapshot-mismatch", { height: seal.height });
}

/**
 * A full validator executes on from what a rollback keeps, which may be as old as the oldest batch that
 * L1 may still refuse (S4), and a candidate begins at once with a state that is older than that. The window
 * is twice as long, since seconds per block are a lower estimate (R6).
 */
function olderStates({ config }: ValidatorRuntime): OlderStates {
  const windowMs = 2 * waitMs(config);
  return { gapMs: windowMs / OLDER_STATES[config.validatorMode], windowMs };
}

function waitMs({ timing }: Pick<Config, "timing">): number {
  return MAX_WAIT_BLOCKS * timing.secondsPerBlock * 1_000;
}

/**
 * A batch that was sealed before is on L1, or a rollback has made its seal void, as far as one can know who
 * does not read L1: the scheduler takes none that is older (S4).
 */
export function settledByMs({ config, now }: Pick<ValidatorRuntime, "config" | "now">): number {
  return now() - waitMs(config);
}

/**
 * What there is no room for, and what a log that is begun with a state does without (C6). All else stays: a
 * candidate that lost its log begins with the first chunk, where there is one. The state is one whose batch
 * is settled, if the database is not full.
 */
function prune(runtime: ValidatorRuntime): void {
  const { storage, sql, config } = runtime;
  const isFull = sql.databaseSize > ARCHIVE_BYTES_MAX;
  const bound = archiveFloor(sql, isFull ? ARCHIVE_CHUNKS_LEAST : config.archiveChunksMax);
  const begins = beginningHeight(sql, isFull ? null : settledByMs(runtime));
  // Without a state only what there is really no room for goes.
  const floor = Math.min(bound, begins ?? (isFull ? bound : 0));
  transact(storage, () => pruneArchive(sql, floor, PRUNE_PAGE));
}
