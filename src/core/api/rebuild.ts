/**
 * What a rebuild uploads into an empty sequencer object (R5): a manifest, then the state in parts.
 *
 * The program that uploads and the Worker that receives read this one description of both. Pure.
 */

import { type Address, type Hash32, hash32, parseAddress } from "../types/hex.ts";
import { BLOB_BYTES_MAX, STATE_BYTES_MAX } from "../types/protocol.ts";
import { err, ok, type Result } from "../types/result.ts";
import { type BatchNonce, type BlockNumber, batchNonce, blockNumber } from "../types/units.ts";
import { JsonReader } from "./json-reader.ts";
import { badRequest, type Rejection } from "./rejection.ts";

/** Bytes of every part but the last. */
export const PART_BYTES: number = BLOB_BYTES_MAX;

export type RebuildManifest = {
  readonly chainId: number;
  readonly app: Address;
  readonly submitter: Address;
  /** The state holds every input up to the end of this block, and what was drained there. */
  readonly baseBlock: BlockNumber;
  readonly baseBlockHash: Hash32;
  /** InputBox's number of inputs at the end of that block. */
  readonly baseInputCount: number;
  /** What the scheduler expects next. */
  readonly anchorNonce: BatchNonce;
  readonly executedInputCount: number;
  readonly stateBytes: number;
  /** Of the whole state. */
  readonly sha256: Hash32;
};

/** Names an upload of this manifest: 32 lower-case hex digits. */
export type UploadId = string;

export function partCount(stateBytes: number): number {
  return Math.ceil(stateBytes / PART_BYTES);
}

/** Bytes of the part at `index`, which must be below `partCount`. */
export function partBytes(stateBytes: number, index: number): number {
  return Math.min(PART_BYTES, stateBytes - index * PART_BYTES);
}

/** The JSON body of `POST /operator/rebuild`; fields always in this order. */
export function formatManifest(manifest: RebuildManifest): string {
  return JSON.stringify({
    chain_id: manifest.chainId,
    app: manifest.app,
    submitter: manifest.submitter,
    base_block: manifest.baseBlock,
    base_block_hash: manifest.baseBlockHash,
    base_input_count: manifest.baseInputCount,
    anchor_nonce: manifest.anchorNonce,
    executed_input_count: manifest.executedInputCount,
    state_bytes: manifest.stateBytes,
    sha256: manifest.sha256,
  });
}

/** Unknown fields are ignored, as in every request (I1). */
export function parseManifest(text: string): Result<RebuildManifest, Rejection> {
  const reader = new JsonReader(text);
  const numbers = new Map<string, number>();
  const texts = new Map<string, string>();
  const isObject = reader.object((name) => {
    if (NUMBERS.includes(name))
      return keep(numbers, name, reader.unsigned(Number.MAX_SAFE_INTEGER));
    if (TEXTS.includes(name)) return keep(texts, name, reader.string());
    return reader.skip();
  });
  if (!isObject || !reader.atEnd()) return err(badManifest);
  const number = (name: (typeof NUMBERS)[number]) => numbers.get(name) ?? null;
  const [chainId, base, inputs] = [
    number("chain_id"),
    number("base_block"),
    number("base_input_count"),
  ];
  const [anchor, executed, bytes] = [
    number("anchor_nonce"),
    number("executed_input_count"),
    number("state_bytes"),
  ];
  const app = parseAddress(texts.get("app") ?? "");
  const submitter = parseAddress(texts.get("submitter") ?? "");
  const blockHash = parseHash(texts.get("base_block_hash"));
  const sha256 = parseHash(texts.get("sha256"));
  if (chainId === null || base === null || inputs === null || anchor === null)
    return err(badManifest);
  if (executed === null || bytes === null || bytes < 1 || bytes > STATE_BYTES_MAX)
    return err(badManifest);
  if (app === null || submitter === null || blockHash === null || sha256 === null)
    return err(badManifest);
  return ok({
    chainId,
    app,
    submitter,
    baseBlock: blockNumber(base),
    baseBlockHash: blockHash,
    baseInputCount: inputs,
    anchorNonce: batchNonce(anchor),
    executedInputCount: executed,
    stateBytes: bytes,
    sha256,
  });
}

const NUMBERS: readonly string[] = [
  "chain_id",
  "base_block",
  "base_input_count",
  "anchor_nonce",
  "executed_input_count",
  "state_bytes",
];
const TEXTS: readonly string[] = ["app", "submitter", "base_block_hash", "sha256"];
const HASH = /^0x[0-9a-f]{64}$/;
const badManifest: Rejection = badRequest("expected a rebuild manifest");

/** A name that comes twice is refused, like a value of another type. */
function keep<T>(into: Map<string, T>, name: string, value: T | null): boolean {
  if (value === null || into.has(name)) return false;
  into.set(name, value);
  return true;
}

function parseHash(text: string | undefined): Hash32 | null {
  return text !== undefined && HASH.test(text) ? hash32(text) : null;
}
