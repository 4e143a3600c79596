/**
 * The records of the feed and their wire text (F1-F3, P§2.7).
 *
 * A record is one JSON object, tag first. Senders are shown with the letter case of EIP-55. The text
 * is built by hand because every op's text is made on the sequencer's one thread.
 */

import { hexToBytes } from "@noble/hashes/utils.js";
import {
  type Address,
  type Hash32,
  hash32,
  parseAddress,
  toHex,
  ZERO_ADDRESS,
} from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import {
  type BatchNonce,
  type BlockNumber,
  batchNonce,
  blockNumber,
  type FeeExponent,
  feeExponent,
  type Offset,
  offset,
  U16_MAX,
  U32_MAX,
} from "../types/units.ts";
import { checksumAddress } from "../wire/address.ts";

export type UserOpRecord = {
  readonly kind: "user_op";
  readonly offset: Offset;
  readonly sender: Address;
  readonly nonce: number;
  /** The frame's fee, which is what was charged. */
  readonly fee: FeeExponent;
  readonly data: Uint8Array;
  readonly safeBlock: BlockNumber;
  readonly batchNonce: BatchNonce;
};

export type DirectInputRecord = {
  readonly kind: "direct_input";
  readonly offset: Offset;
  readonly sender: Address;
  readonly blockNumber: BlockNumber;
  readonly payload: Uint8Array;
  readonly inputIndex: number;
  readonly batchNonce: BatchNonce;
  /** Unix seconds. */
  readonly blockTimestamp: number;
  readonly transactionHash: Hash32;
};

/** Whatever a reader holds with an offset in (keepThrough, offset) is void. */
export type RollbackRecord = {
  readonly kind: "rollback";
  readonly offset: Offset;
  readonly keepThrough: Offset;
  readonly generation: number;
};

export type FeedRecord = UserOpRecord | DirectInputRecord | RollbackRecord;

export function formatRecord(record: FeedRecord): string {
  switch (record.kind) {
    case "user_op":
      return (
        `{"kind":"user_op","offset":${record.offset},"sender":"${checksumAddress(record.sender)}"` +
        `,"nonce":${record.nonce},"fee":${record.fee},"data":"${toHex(record.data)}"` +
        `,"safe_block":${record.safeBlock},"batch_nonce":${record.batchNonce}}`
      );
    case "direct_input":
      return (
        `{"kind":"direct_input","offset":${record.offset}` +
        `,"sender":"${checksumAddress(record.sender)}","block_number":${record.blockNumber}` +
        `,"payload":"${toHex(record.payload)}","input_index":${record.inputIndex}` +
        `,"batch_nonce":${record.batchNonce},"block_timestamp":${record.blockTimestamp}` +
        `,"transaction_hash":"${record.transactionHash}"}`
      );
    case "rollback":
      return (
        `{"kind":"rollback","offset":${record.offset},"keep_through":${record.keepThrough}` +
        `,"generation":${record.generation}}`
      );
  }
}

/**
 * For clients: strict on types and bounds, blind to unknown fields. Errors: what is wrong. Offsets
 * start at 1 (F1), and a rollback keeps nothing at or beyond its own.
 */
export function parseRecord(text: string): Result<FeedRecord, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // JSON.parse throws on malformed text and for no other reason.
    return err("not JSON");
  }
  return recordOf(value);
}

/** The same for a value out of a larger JSON text. */
export function recordOf(value: unknown): Result<FeedRecord, string> {
  if (typeof value !== "object" || value === null) return err("not an object");
  const fields = new Fields(value as Readonly<Record<string, unknown>>);
  const record = readRecord(fields);
  if (record === null) return err("unknown kind");
  return fields.wrong === null ? ok(record) : err(`bad ${fields.wrong}`);
}

function readRecord(fields: Fields): FeedRecord | null {
  switch (fields.text("kind")) {
    case "user_op":
      return {
        kind: "user_op",
        offset: fields.offset(),
        sender: fields.address("sender"),
        nonce: fields.integer("nonce", U32_MAX),
        fee: feeExponent(fields.integer("fee", U16_MAX)),
        data: fields.bytes("data"),
        safeBlock: blockNumber(fields.integer("safe_block")),
        batchNonce: batchNonce(fields.integer("batch_nonce")),
      };
    case "direct_input":
      return {
        kind: "direct_input",
        offset: fields.offset(),
        sender: fields.address("sender"),
        blockNumber: blockNumber(fields.integer("block_number")),
        payload: fields.bytes("payload"),
        inputIndex: fields.integer("input_index"),
        batchNonce: batchNonce(fields.integer("batch_nonce")),
        blockTimestamp: fields.integer("block_timestamp"),
        transactionHash: fields.hash("transaction_hash"),
      };
    case "rollback":
      return {
        kind: "rollback",
        offset: fields.offset(),
        keepThrough: fields.keepThrough(),
        generation: fields.integer("generation"),
      };
    default:
      return null;
  }
}

/** Reads fields and remembers the first that is wrong; a wrong one reads as zero. */
class Fields {
  wrong: string | null = null;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields;
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value === "string") return value;
    this.wrong ??= name;
    return "";
  }

  integer(name: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#fields[name];
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most) {
      return value;
    }
    this.wrong ??= name;
    return 0;
  }

  offset(): Offset {
    const value = this.integer("offset");
    if (value === 0) this.wrong ??= "offset";
    return offset(value);
  }

  keepThrough(): Offset {
    const value = this.integer("keep_through");
    if (value >= this.integer("offset")) this.wrong ??= "keep_through";
    return offset(value);
  }

  address(name: string): Address {
    const parsed = parseAddress(this.text(name));
    if (parsed !== null) return parsed;
    this.wrong ??= name;
    return ZERO_ADDRESS;
  }

  hash(name: string): Hash32 {
    const text = this.text(name);
    if (/^0x[0-9a-f]{64}$/.test(text)) return hash32(text);
    this.wrong ??= name;
    return hash32(`0x${"00".repeat(32)}`);
  }

  bytes(name: string): Uint8Array {
    const text = this.text(name);
    if (text.length % 2 === 0 && /^0x[0-9a-fA-F]*$/.test(text)) return hexToBytes(text.slice(2));
    this.wrong ??= name;
    return new Uint8Array(0);
  }
}
