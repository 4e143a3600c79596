/**
 * Receiving a rebuild: an upload is staged part by part, and its last part begins an era (R5).
 *
 * Only an object without a history takes one. Parts come in order and of the announced size; whatever
 * else comes changes nothing, and starting again replaces what was staged. The last part and the era
 * are one transaction: the state was put together, hashed and restored before anything of it is
 * believed. If the object dies at any point, either the era is there or the parts still are.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import {
  formatManifest,
  PART_BYTES,
  partBytes,
  partCount,
  type RebuildManifest,
} from "../../core/api/rebuild.ts";
import { badRequest, type Rejection, rejection, unavailable } from "../../core/api/rejection.ts";
import type { RebuildPart, RebuildProgress, RebuildUpload } from "../../core/api/sequencer-api.ts";
import type { ApplicationState } from "../../core/application/application.ts";
import { formatEra } from "../../core/chunk/era.ts";
import { hashFromBytes, toHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import { isOurs } from "./inspect.ts";
import type { Lane } from "./lane.ts";
import type { Runtime } from "./runtime.ts";
import { type Base, loadHistory, requireHistory } from "./storage/history.ts";
import { countSafeInputs, loadSafeHead } from "./storage/l1-inputs.ts";
import {
  countParts,
  deleteUpload,
  forgetPayloads,
  insertPart,
  insertUpload,
  joinParts,
  loadUpload,
  type Upload,
} from "./storage/rebuild.ts";

const UPLOAD_ID_BYTES = 16;

const historyExists = rejection(409, "HISTORY_EXISTS", "the sequencer has a history already");
const unknownUpload = rejection(409, "UPLOAD_UNKNOWN", "no such upload: start again");
const outOfOrder = (expected: number): Rejection =>
  rejection(409, "UPLOAD_OUT_OF_ORDER", `expected part ${expected}`);
const refused = (why: string): Rejection => rejection(422, "UPLOAD_REFUSED", why);

/** Forgets what was staged and stages this. The same manifest gets the same name. */
export function startUpload(
  runtime: Runtime,
  manifest: RebuildManifest,
): Result<RebuildUpload, Rejection> {
  const { sql, storage, config } = runtime;
  if (loadHistory(sql) !== null) return err(historyExists);
  if (!isOurs(runtime)) return err(unavailable("refused"));
  const { chainId, app, submitter, baseBlock, baseBlockHash, baseInputCount } = manifest;
  if (chainId !== config.chainId || app !== config.app || submitter !== config.submitter) {
    return err(refused("another deployment's state"));
  }
  const base = { block: baseBlock, blockHash: baseBlockHash, inputCount: baseInputCount };
  const unfit = refuseBase(runtime, base);
  if (unfit !== null) return err(unfit);
  const uploadId = sha256(utf8ToBytes(formatManifest(manifest))).slice(0, UPLOAD_ID_BYTES);
  transact(storage, () => {
    deleteUpload(sql);
    insertUpload(sql, { ...manifest, uploadId, base });
  });
  const parts = partCount(manifest.stateBytes);
  return ok({ upload: nameOf(uploadId), part_bytes: PART_BYTES, parts });
}

/** Stages one part. The last one begins the era; its answer carries it. */
export function putPart(
  runtime: Runtime,
  lane: Lane,
  part: RebuildPart,
  randomEra: Uint8Array,
): Result<RebuildProgress, Rejection> {
  const { sql, storage } = runtime;
  if (loadHistory(sql) !== null) return err(historyExists);
  const upload = loadUpload(sql);
  if (upload === null || nameOf(upload.uploadId) !== part.upload) return err(unknownUpload);
  const expected = countParts(sql);
  const parts = partCount(upload.stateBytes);
  if (part.part !== expected || expected >= parts) return err(outOfOrder(expected));
  const wanted = partBytes(upload.stateBytes, expected);
  if (part.bytes.length !== wanted) return err(badRequest(`part ${expected} has ${wanted} bytes`));
  if (expected + 1 < parts) {
    transact(storage, () => insertPart(sql, expected, part.bytes));
    return ok({ parts_left: parts - expected - 1, era: null });
  }
  return beginEra(runtime, lane, { upload, lastPart: part.bytes, randomEra });
}

function beginEra(
  runtime: Runtime,
  lane: Lane,
  last: { readonly upload: Upload; readonly lastPart: Uint8Array; readonly randomEra: Uint8Array },
): Result<RebuildProgress, Rejection> {
  const { sql } = runtime;
  const { upload, lastPart, randomEra } = last;
  const state = restore(runtime, upload, joinParts(sql, lastPart));
  if (!state.ok) return state;
  const unfit = refuseBase(runtime, upload.base);
  if (unfit !== null) return err(unfit);
  const { base, anchorNonce } = upload;
  lane.begin(() => {
    deleteUpload(sql);
    forgetPayloads(sql, base);
    return { randomEra, anchorNonce, base, frameBlock: base.block, state: state.value };
  });
  log("info", "rebuilt", { base_block: base.block, anchor_nonce: anchorNonce });
  return ok({ parts_left: 0, era: formatEra(requireHistory(sql).era) });
}

/** The uploaded bytes as a state, when they are the announced ones. */
function restore(
  { application, config }: Runtime,
  upload: Upload,
  bytes: Uint8Array,
): Result<ApplicationState, Rejection> {
  if (hashFromBytes(sha256(bytes)) !== upload.sha256) return err(refused("another state's bytes"));
  const restored = application.restore(config.appConfig, bytes);
  // The application's own words may hold the state's bytes.
  if (!restored.ok) return err(refused("not a state under this configuration"));
  const { executedInputCount, lastExecutedSafeBlock } = restored.value.progress();
  if (executedInputCount !== upload.executedInputCount) return err(refused("another input count"));
  if (lastExecutedSafeBlock > upload.base.block) return err(refused("a state beyond its base"));
  return restored;
}

/**
 * What was read from L1 beyond the base was stored without asking what the scheduler accepts; and a reader
 * that has come to the base already does not compare it any more.
 */
function refuseBase({ sql }: Runtime, base: Base): Rejection | null {
  const head = loadSafeHead(sql);
  if (head === null || head.blockNumber < base.block) return null;
  if (head.blockNumber > base.block) {
    return refused("the base is behind the blocks that were read: rebuild again");
  }
  if (head.blockHash === base.blockHash && countSafeInputs(sql) === base.inputCount) return null;
  return refused("another block was read than the base");
}

function nameOf(uploadId: Uint8Array): string {
  return toHex(uploadId).slice(2);
}
