/**
 * The events of the log and their canonical bytes (C1).
 *
 * From the events alone a replica rebuilds state, feed and every batch byte for byte. Big-endian,
 * fixed width, byte strings prefixed by their length as u32; the first byte is the kind. The bytes of
 * an event are also its Merkle leaf, and delimit themselves, so a chunk stores them end to end.
 */

import {
  type Address,
  addressFromBytes,
  fromHex,
  type Hash32,
  hashFromBytes,
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
} from "../types/units.ts";
import { EventReader, EventWriter } from "./event-bytes.ts";

export type ChunkEvent =
  | {
      readonly kind: "op";
      readonly offset: Offset;
      readonly batchNonce: BatchNonce;
      readonly frame: number;
      readonly fee: FeeExponent;
      readonly safeBlock: BlockNumber;
      readonly sender: Address;
      readonly nonce: number;
      readonly maxFee: FeeExponent;
      readonly signature: Uint8Array;
      readonly data: Uint8Array;
    }
  | {
      readonly kind: "direct";
      readonly offset: Offset;
      readonly batchNonce: BatchNonce;
      readonly frame: number;
      readonly inputIndex: number;
      readonly blockNumber: BlockNumber;
      /** Unix seconds. */
      readonly blockTimestamp: number;
      readonly transactionHash: Hash32;
      readonly sender: Address;
      readonly payload: Uint8Array;
    }
  | {
      readonly kind: "frame";
      readonly batchNonce: BatchNonce;
      readonly frame: number;
      readonly safeBlock: BlockNumber;
      readonly fee: FeeExponent;
    }
  | {
      readonly kind: "seal";
      readonly batchNonce: BatchNonce;
      /** keccak256 of the batch's SSZ. */
      readonly payloadHash: Hash32;
      /** SHA-256 of the snapshot that the seal carries, else zero. */
      readonly stateHash: Hash32;
      readonly executedInputs: number;
    }
  | {
      readonly kind: "rollback";
      readonly offset: Offset;
      readonly keepThrough: Offset;
      readonly generation: number;
      readonly pivotBatchNonce: BatchNonce;
    }
  | { readonly kind: "watermark"; readonly walletNonce: number }
  | {
      /** Right before a seal that carries a snapshot, under a committee: what the log up to there amounts to. */
      readonly kind: "tally";
      /** Of the newest rollback; 0 before the first. */
      readonly generation: number;
      /** The watermark; null before the first. */
      readonly walletNonce: number | null;
    };

/** A u64 above 2^53 counts as malformed: nothing that this log holds reaches it (S7). */
export type ChunkError = {
  readonly reason: "truncated" | "unknown-kind" | "unsafe-integer";
};

const KIND = { op: 1, direct: 2, frame: 3, seal: 4, rollback: 5, watermark: 6, tally: 7 } as const;

/** Canonical bytes. Asserts that every integer fits its field. */
export function encodeEvent(event: ChunkEvent): Uint8Array {
  const writer = new EventWriter(eventBytes(event));
  writer.uint(1, KIND[event.kind]);
  switch (event.kind) {
    case "op":
      writer.uint(8, event.offset).uint(8, event.batchNonce).uint(4, event.frame);
      writer.uint(2, event.fee).uint(8, event.safeBlock).raw(fromHex(event.sender));
      writer.uint(4, event.nonce).uint(2, event.maxFee);
      writer.prefixed(event.signature).prefixed(event.data);
      break;
    case "direct":
      writer.uint(8, event.offset).uint(8, event.batchNonce).uint(4, event.frame);
      writer.uint(8, event.inputIndex).uint(8, event.blockNumber).uint(8, event.blockTimestamp);
      writer.raw(fromHex(event.transactionHash)).raw(fromHex(event.sender));
      writer.prefixed(event.payload);
      break;
    case "frame":
      writer.uint(8, event.batchNonce).uint(4, event.frame);
      writer.uint(8, event.safeBlock).uint(2, event.fee);
      break;
    case "seal":
      writer.uint(8, event.batchNonce).raw(fromHex(event.payloadHash));
      writer.raw(fromHex(event.stateHash)).uint(8, event.executedInputs);
      break;
    case "rollback":
      writer.uint(8, event.offset).uint(8, event.keepThrough);
      writer.uint(8, event.generation).uint(8, event.pivotBatchNonce);
      break;
    case "watermark":
      writer.uint(8, event.walletNonce);
      break;
    case "tally":
      writer
        .uint(8, event.generation)
        .uint(8, event.walletNonce === null ? 0 : event.walletNonce + 1);
      break;
  }
  return writer.bytes;
}

function eventBytes(event: ChunkEvent): number {
  switch (event.kind) {
    case "op":
      return 65 + event.signature.length + event.data.length;
    case "direct":
      return 101 + event.payload.length;
    case "frame":
      return 23;
    case "seal":
      return 81;
    case "rollback":
      return 33;
    case "watermark":
      return 9;
    case "tally":
      return 17;
  }
}

/** Every event of `bytes`, which must end where the last one ends. */
export function decodeEvents(bytes: Uint8Array): Result<readonly ChunkEvent[], ChunkError> {
  const reader = new EventReader(bytes);
  const events: ChunkEvent[] = [];
  while (reader.left > 0) {
    const event = readEvent(reader);
    if (reader.error !== null) return err({ reason: reader.error });
    if (event === null) return err({ reason: "unknown-kind" });
    events.push(event);
  }
  return ok(events);
}

function readEvent(reader: EventReader): ChunkEvent | null {
  switch (reader.uint(1)) {
    case KIND.op:
      return {
        kind: "op",
        offset: offset(reader.uint(8)),
        batchNonce: batchNonce(reader.uint(8)),
        frame: reader.uint(4),
        fee: feeExponent(reader.uint(2)),
        safeBlock: blockNumber(reader.uint(8)),
        sender: addressFromBytes(reader.raw(20)),
        nonce: reader.uint(4),
        maxFee: feeExponent(reader.uint(2)),
        signature: reader.prefixed(),
        data: reader.prefixed(),
      };
    case KIND.direct:
      return {
        kind: "direct",
        offset: offset(reader.uint(8)),
        batchNonce: batchNonce(reader.uint(8)),
        frame: reader.uint(4),
        inputIndex: reader.uint(8),
        blockNumber: blockNumber(reader.uint(8)),
        blockTimestamp: reader.uint(8),
        transactionHash: hashFromBytes(reader.raw(32)),
        sender: addressFromBytes(reader.raw(20)),
        payload: reader.prefixed(),
      };
    case KIND.frame:
      return {
        kind: "frame",
        batchNonce: batchNonce(reader.uint(8)),
        frame: reader.uint(4),
        safeBlock: blockNumber(reader.uint(8)),
        fee: feeExponent(reader.uint(2)),
      };
    case KIND.seal:
      return {
        kind: "seal",
        batchNonce: batchNonce(reader.uint(8)),
        payloadHash: hashFromBytes(reader.raw(32)),
        stateHash: hashFromBytes(reader.raw(32)),
        executedInputs: reader.uint(8),
      };
    case KIND.rollback:
      return {
        kind: "rollback",
        offset: offset(reader.uint(8)),
        keepThrough: offset(reader.uint(8)),
        generation: reader.uint(8),
        pivotBatchNonce: batchNonce(reader.uint(8)),
      };
    case KIND.watermark:
      return { kind: "watermark", walletNonce: reader.uint(8) };
    case KIND.tally: {
      const [generation, covered] = [reader.uint(8), reader.uint(8)];
      return { kind: "tally", generation, walletNonce: covered === 0 ? null : covered - 1 };
    }
    default:
      return null;
  }
}
