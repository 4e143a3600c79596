/**
 * The states that a validator keeps for whoever has to rebuild: of the newest two certified seals (C4).
 *
 * It asks the leader for the bytes by the hash that the seal names, part after part, and believes the
 * hash alone. A download that ends early goes on where it stopped.
 */

import { SNAPSHOT_PART_BYTES } from "../../core/api/committee-api.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { MAX_WAIT_BLOCKS } from "../../core/types/protocol.ts";
import { log } from "../shared/log.ts";
import type { AskPart } from "../shared/snapshot-client.ts";
import { transact } from "../shared/transact.ts";
import type { ValidatorRuntime } from "./runtime.ts";
import { archiveFloor, pruneArchive } from "./storage/chunks.ts";
import {
  dropParts,
  dropVoid,
  insertPart,
  insertSnapshot,
  loadPart,
  missingSnapshot,
  type OlderStates,
  partsHeld,
  type Seal,
  SNAPSHOT_PARTS_MAX,
  thinSnapshots,
  wholeState,
} from "./storage/snapshots.ts";

/** Certified chunks that stay for those who catch up even when there is no room, and the most that ever do. */
const ARCHIVE_CHUNKS_LEAST = 8_192;
const ARCHIVE_CHUNKS_MOST = 2_000_000;
/** At this size of the database the archive gives way, whatever is in it. */
const ARCHIVE_BYTES_MAX = 6 * 1024 ** 3;
const PRUNE_PAGE = 1_024;
const OLDER_STATES = 24;

/** One step of the duty: bounded, and may be repeated at any time. */
export async function keepSnapshots(
  runtime: ValidatorRuntime,
  leader: string,
  ask: AskPart,
): Promise<void> {
  const { storage, sql } = runtime;
  transact(storage, () => dropVoid(sql));
  const seal = missingSnapshot(sql);
  if (seal !== null && (await download(runtime, leader, seal.stateHash, ask))) {
    keep(runtime, seal);
  }
  prune(runtime);
}

/** Whether all parts are here. */
async function download(
  { storage, sql }: ValidatorRuntime,
  leader: string,
  hash: Hash32,
  ask: AskPart,
): Promise<boolean> {
  for (let part = partsHeld(sql, hash); ; part++) {
    const before = part === 0 ? null : loadPart(sql, hash, part - 1);
    const isWhole = before !== null && before.length < SNAPSHOT_PART_BYTES;
    if (isWhole || part === SNAPSHOT_PARTS_MAX) return true;
    const bytes = await ask(leader, hash, part);
    // A state whose last part is full ends without a shorter one: its hash shows the end.
    if (bytes === null) return before !== null && wholeState(sql, hash) !== null;
    // Another step may have stored it meanwhile.
    if (bytes.length === 0 || partsHeld(sql, hash) !== part) return false;
    transact(storage, () => insertPart(sql, hash, part, bytes));
  }
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
 * L1 may still refuse (S4); the window is twice that, since seconds per block are a lower estimate (R6).
 */
function olderStates({ config }: ValidatorRuntime): OlderStates | null {
  if (config.validatorMode === "linkage") return null;
  const windowMs = 2 * MAX_WAIT_BLOCKS * config.timing.secondsPerBlock * 1_000;
  return { gapMs: windowMs / OLDER_STATES, windowMs };
}

/** What there is no room for. All else stays: a candidate that lost its log begins with the first chunk (C6). */
function prune({ storage, sql }: ValidatorRuntime): void {
  const isFull = sql.databaseSize > ARCHIVE_BYTES_MAX;
  const floor = archiveFloor(sql, isFull ? ARCHIVE_CHUNKS_LEAST : ARCHIVE_CHUNKS_MOST);
  transact(storage, () => pruneArchive(sql, floor, PRUNE_PAGE));
}
