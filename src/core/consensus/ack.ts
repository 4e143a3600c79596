/**
 * An acknowledgement: a member stores this chunk and all before it, and will ack no other at its height
 * in this epoch (C2, C4).
 *
 *     preimage   u16 length | "baton/ack/v1" | statement
 *     statement  chain_id u64 | app 20 | ack_epoch u64 | record 32 | height u64 | chunk 32
 *     ack        version u8 = 1 | statement | member u8 | scheme u8 | signature
 *
 * The epoch is the committee's, not the chunk's: a chunk that a new epoch inherits is acked once more,
 * with the hash that it has. The record's hash binds members, quorum, leader and start.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { fromHex, type Hash32 } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import type { Claim } from "./claim.ts";
import {
  type Deployment,
  decodeAll,
  domainPrefix,
  encodeDeployment,
  type FormatError,
  type FormatReader,
  readDeployment,
  u8,
  u64,
} from "./encoding.ts";
import type { EpochRecord, KnownRecord } from "./epoch-record.ts";
import {
  encodeMemberSignature,
  type MemberSignature,
  memberCheck,
  readMemberSignature,
} from "./member-signature.ts";
import { type ChunkRef, type Epoch, epoch, type Height, height } from "./types.ts";

export const ACK_DOMAIN = "baton/ack/v1";
const VERSION = 1;

export type AckStatement = Deployment & {
  /** Epoch of the committee; at or above the chunk's own. */
  readonly epoch: Epoch;
  readonly recordHash: Hash32;
  readonly height: Height;
  readonly chunkHash: Hash32;
};

export type Ack = { readonly statement: AckStatement; readonly by: MemberSignature };

export type StatementProblem = "record" | "member";

/** What a member of this record says by acknowledging the chunk. */
export function ackStatement({ record, hash }: KnownRecord, chunk: ChunkRef): AckStatement {
  return {
    chainId: record.chainId,
    app: record.app,
    epoch: record.epoch,
    recordHash: hash,
    height: chunk.height,
    chunkHash: chunk.hash,
  };
}

function encodeStatement(statement: AckStatement): Uint8Array {
  return concatBytes(
    encodeDeployment(statement),
    u64(statement.epoch),
    fromHex(statement.recordHash),
    u64(statement.height),
    fromHex(statement.chunkHash),
  );
}

function readStatement(reader: FormatReader): AckStatement {
  return {
    ...readDeployment(reader),
    epoch: epoch(reader.u64()),
    recordHash: reader.hash(),
    height: height(reader.u64()),
    chunkHash: reader.hash(),
  };
}

const DOMAIN_PREFIX = domainPrefix(ACK_DOMAIN);

/** What signatures are over. */
export function ackPreimage(statement: AckStatement): Uint8Array {
  return concatBytes(DOMAIN_PREFIX, encodeStatement(statement));
}

export function encodeAck({ statement, by }: Ack): Uint8Array {
  return concatBytes(u8(VERSION), encodeStatement(statement), encodeMemberSignature(by));
}

export function decodeAck(bytes: Uint8Array): Result<Ack, FormatError> {
  return decodeAll(bytes, readAck);
}

export function readAck(reader: FormatReader): Ack {
  reader.version(VERSION);
  return { statement: readStatement(reader), by: readMemberSignature(reader) };
}

/** That a member of this record said it. */
export function ackClaim(ack: Ack, known: KnownRecord): Result<Claim<Ack>, StatementProblem> {
  const { statement, by } = ack;
  if (!isOfRecord(statement, known)) return err("record");
  const check = memberCheck(by, known.record, ackPreimage(statement));
  return check.ok ? ok({ unproven: ack, checks: [check.value] }) : check;
}

/** Whether a statement names this record, its epoch and its deployment. */
export function isOfRecord(statement: AckStatement, { record, hash }: KnownRecord): boolean {
  return (
    statement.recordHash === hash &&
    statement.epoch === record.epoch &&
    isOfDeployment(statement, record)
  );
}

export function isOfDeployment(one: Deployment, record: EpochRecord): boolean {
  return one.chainId === record.chainId && one.app === record.app;
}
