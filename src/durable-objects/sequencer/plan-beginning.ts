/**
 * Which chunk a log is to begin with, where those before it are gone: it waits until its state is here (C6).
 *
 * What rollbacks and watermarks before its seal amount to, the chunk says itself (`tally.ts`), so nothing is
 * taken from whoever sent it but what the certificate covers; that was verified before. How the log begins
 * with it: `replica-snapshot.ts`.
 */

import type { ChunkEvent } from "../../core/chunk/event.ts";
import type { Certificate } from "../../core/consensus/certificate.ts";
import { isOfHistory } from "../../core/consensus/signed-header.ts";
import { assert, must } from "../../core/types/assert.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { type Offset, offset } from "../../core/types/units.ts";
import { transact } from "../shared/transact.ts";
import { type LogChunk, readChunk } from "./chunk-checker.ts";
import { ZERO_HASH } from "./memory.ts";
import type { Follower } from "./replica.ts";
import type { Runtime } from "./runtime.ts";
import { loadHistory } from "./storage/history.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { insertWaiting, loadWaiting, type ReceivedChunk } from "./storage/replica.ts";
import {
  insertBeginning,
  insertRoot,
  loadBeginning,
  rootHeight,
} from "./storage/replica-beginning.ts";
import { insertWaitingCertificate } from "./storage/waiting-log.ts";
import type { TallyEvent } from "./tally.ts";

/**
 * `chunk`: it is not what its header says, not of this era, or goes on behind the seal as no leader would.
 * `seal`: no seal of a state is in it, with its tally. `state`: other bytes than the seal names, or not a
 * state of this application after so many inputs. `tables`: they hold something already. `unread`: the
 * reader has not come to the batch yet, or L1 has not accepted it: read on, or take an older state.
 * `landing`: L1 accepted another batch there.
 */
export type SnapshotProblem = "chunk" | "seal" | "state" | "tables" | "unread" | "landing";

export type SealEvent = ChunkEvent & { readonly kind: "seal" };
type FrameEvent = ChunkEvent & { readonly kind: "frame" };

/** A seal in its chunk, with what the log up to it amounts to, and the frame behind it. */
export type Sealed = {
  readonly chunk: LogChunk;
  readonly index: number;
  readonly tally: TallyEvent;
  readonly seal: SealEvent;
  readonly opened: FrameEvent;
};

/**
 * The log is to begin with this chunk, which is certified: it waits, and the reader looks for the batch of
 * its seal. Asked again with the same chunk it changes nothing. `certificate`: the chunk's own, where known.
 */
export function planBeginning(
  { runtime, origin }: Follower,
  chunk: ReceivedChunk,
  certificate: Certificate | null = null,
): Result<null, SnapshotProblem> {
  const sealed = findSeal(runtime, origin.era, chunk);
  if (!sealed.ok) return sealed;
  const { sql, storage, now } = runtime;
  const planned = loadBeginning(sql);
  const { seal, opened } = sealed.value;
  const { batchNonce: nonce, payloadHash } = seal;
  if (planned !== null) return planned.payloadHash === payloadHash ? ok(null) : err("tables");
  if (loadHistory(sql) !== null || loadSafeHead(sql) !== null) return err("tables");
  const drainedBlock = opened.safeBlock;
  const { height } = sealed.value.chunk.stated;
  if (height === 0) return err("chunk");
  transact(storage, () => {
    insertBeginning(sql, { nonce, payloadHash, drainedBlock });
    insertRoot(sql, height);
    insertWaiting(sql, height, chunk);
    if (certificate !== null) insertWaitingCertificate(sql, certificate, now());
  });
  return ok(null);
}

/** Whether a log is to be begun with a state, and is not yet. */
export function isPlanned(sql: SqlStorage): boolean {
  return loadBeginning(sql) !== null && loadHistory(sql) === null;
}

/** The seal that the log is to begin behind. Asserts that this is planned. */
export function plannedSeal({ runtime, origin }: Follower): Sealed {
  const { sql } = runtime;
  const height = must(rootHeight(sql), "a beginning is planned");
  const [chunk] = loadWaiting(sql, { from: height, through: height, bytesMax: 1 });
  const sealed = findSeal(runtime, origin.era, must(chunk, "the chunk to begin with waits"));
  assert(sealed.ok, "the chunk was judged before it was taken");
  return sealed.value;
}

/** The last seal of a state in the chunk: the one that validators keep the state of. */
function findSeal(
  { config }: Runtime,
  era: Uint8Array,
  received: ReceivedChunk,
): Result<Sealed, SnapshotProblem> {
  const read = readChunk(received);
  if (!read.ok) return err("chunk");
  const chunk = read.value;
  const { chainId, app } = config;
  if (!isOfHistory(chunk.stated, { chainId, app, era })) return err("chunk");
  const index = chunk.list.findLastIndex(
    (one) => one.kind === "seal" && one.stateHash !== ZERO_HASH,
  );
  const [tally, seal, opened] = chunk.list.slice(Math.max(0, index - 1));
  if (tally?.kind !== "tally" || seal?.kind !== "seal" || opened?.kind !== "frame") {
    return err("seal");
  }
  return ok({ chunk, index, tally, seal, opened });
}

/** The newest offset that was given before the seal: a rollback that keeps less makes its state void. */
export function headAtSeal({ chunk: { stated, list }, index }: Sealed): Offset {
  const before = list.slice(0, index).findLast((event) => "offset" in event);
  return before !== undefined && "offset" in before
    ? before.offset
    : offset(stated.firstOffset - 1);
}
