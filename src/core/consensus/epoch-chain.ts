/**
 * Signed epoch records, and the chain that they make from a pinned first one (C6, C9).
 *
 *     record | previous committee's multi-signature, absent in epoch 0 | joining members' one
 *
 * A record is signed by a quorum of the committee before it, which thereby hands over and follows no
 * other record of that epoch, and by every member that was not in that committee. In epoch 0 all join.
 * A committee that shares nobody with the one before is therefore only named by that one.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { bytesEqual } from "../types/bytes.ts";
import { type Hash32, toHex } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import type { Claim, SignatureCheck } from "./claim.ts";
import { decodeAll, type FormatError, type FormatReader } from "./encoding.ts";
import {
  type EpochRecord,
  type KnownRecord,
  type RecordProblem,
  recordProblem,
} from "./epoch-record.ts";
import { encodeRecord, knownRecord, readRecord, recordPreimage } from "./epoch-record-bytes.ts";
import {
  encodeMultiSignature,
  type MultiSignature,
  multiSignatureChecks,
  readMultiSignature,
} from "./multi-signature.ts";
import { type Epoch, type MemberIndex, memberIndex } from "./types.ts";

export type SignedRecord = {
  readonly record: EpochRecord;
  /** Over the members of the record before; null exactly in epoch 0. */
  readonly byPrevious: MultiSignature | null;
  /** Over the record's own members: those who join. */
  readonly byJoining: MultiSignature;
};

/**
 * `genesis`: not the pinned record. `link`: does not follow the record before. `start`: goes back
 * behind what was inherited before. `quorum`, `joining`: signatures are missing. `members`: signatures
 * of another set. Else a record's own problem.
 */
export type ChainProblem =
  | RecordProblem
  | "genesis"
  | "link"
  | "start"
  | "quorum"
  | "joining"
  | "members";

/** Records in the order of their epochs, each verified from the pinned first one on. */
export type EpochChain = { readonly records: readonly KnownRecord[] };

export function encodeSignedRecord(signed: SignedRecord): Uint8Array {
  return concatBytes(
    encodeRecord(signed.record),
    ...(signed.byPrevious === null ? [] : [encodeMultiSignature(signed.byPrevious)]),
    encodeMultiSignature(signed.byJoining),
  );
}

export function decodeSignedRecord(
  bytes: Uint8Array,
): Result<SignedRecord, FormatError | RecordProblem> {
  const decoded = decodeAll(bytes, readSignedRecord);
  if (!decoded.ok) return decoded;
  const problem = recordProblem(decoded.value.record);
  return problem === null ? decoded : err(problem);
}

/** Whether the record is well formed is not asked here. */
export function readSignedRecord(reader: FormatReader): SignedRecord {
  const record = readRecord(reader);
  const byPrevious = record.epoch === 0 ? null : readMultiSignature(reader);
  return { record, byPrevious, byJoining: readMultiSignature(reader) };
}

/** Indices of the members that the committee before did not have: who must sign for themselves. */
export function joiningMembers(
  record: EpochRecord,
  previous: EpochRecord | null,
): readonly MemberIndex[] {
  const known = new Set(
    previous?.scheme === record.scheme ? previous.members.map(({ key }) => toHex(key)) : [],
  );
  return record.members.flatMap(({ key }, i) => (known.has(toHex(key)) ? [] : [memberIndex(i)]));
}

/** That `signed` follows the record before, or, without one, that it is the pinned first record. */
export function recordClaim(
  signed: SignedRecord,
  before: KnownRecord | { readonly genesis: Hash32 },
): Result<Claim<KnownRecord>, ChainProblem> {
  const { record } = signed;
  const problem = recordProblem(record);
  if (problem !== null) return err(problem);
  const known = knownRecord(record);
  const previous = "genesis" in before ? null : before;
  if ("genesis" in before) {
    if (record.epoch !== 0 || known.hash !== before.genesis) return err("genesis");
  } else {
    const wrong = linkProblem(record, before);
    if (wrong !== null) return err(wrong);
  }
  const checks = recordChecks(signed, previous?.record ?? null);
  return checks.ok ? ok({ unproven: known, checks: checks.value }) : checks;
}

function linkProblem(record: EpochRecord, before: KnownRecord): "link" | "start" | null {
  const previous = before.record;
  const follows =
    record.previous === before.hash &&
    record.epoch > previous.epoch &&
    record.chainId === previous.chainId &&
    record.app === previous.app &&
    bytesEqual(record.era, previous.era);
  if (!follows) return "link";
  return continues(record, previous) ? null : "start";
}

/** The log only grows: a record inherits what the one before inherited, or a chunk of its epoch. */
function continues(record: EpochRecord, previous: EpochRecord): boolean {
  const [now, then] = [record.start, previous.start];
  if (now.inherited === null) return then.inherited === null;
  if (then.inherited !== null && now.inherited.height <= then.inherited.height) {
    return (
      now.inherited.height === then.inherited.height &&
      now.inherited.hash === then.inherited.hash &&
      now.inherited.epoch === then.inherited.epoch &&
      now.keepThrough === then.keepThrough
    );
  }
  return now.inherited.epoch === previous.epoch && now.keepThrough >= then.firstOffset - 1;
}

function recordChecks(
  signed: SignedRecord,
  previous: EpochRecord | null,
): Result<readonly SignatureCheck[], ChainProblem> {
  const { record, byPrevious, byJoining } = signed;
  const joining = joiningMembers(record, previous);
  if (byJoining.signers.join() !== joining.join()) return err("joining");
  const message = recordPreimage(record);
  const joined = multiSignatureChecks(byJoining, record.scheme, keysOf(record), message);
  if (!joined.ok) return joined;
  const keys = [...memberKeyChecks(record, joining), ...candidateKeyChecks(record)];
  if (previous === null || byPrevious === null) {
    return byPrevious === null && previous === null
      ? ok([...keys, ...joined.value])
      : err("members");
  }
  const handed = multiSignatureChecks(byPrevious, previous.scheme, keysOf(previous), message);
  if (!handed.ok) return handed;
  if (byPrevious.signers.length < previous.quorum) return err("quorum");
  return ok([...keys, ...handed.value, ...joined.value]);
}

function keysOf(record: EpochRecord): readonly Uint8Array[] {
  return record.members.map(({ key }) => key);
}

/** A member that stays was checked when it joined. */
function memberKeyChecks(
  { members, scheme }: EpochRecord,
  joining: readonly MemberIndex[],
): readonly SignatureCheck[] {
  return members.flatMap(({ key, proof }, i) =>
    joining.includes(memberIndex(i)) ? [{ kind: "key", scheme, publicKey: key, proof }] : [],
  );
}

function candidateKeyChecks({ candidates }: EpochRecord): readonly SignatureCheck[] {
  return candidates.map(({ scheme, key }) => ({
    kind: "key",
    scheme,
    publicKey: key,
    proof: new Uint8Array(0),
  }));
}

/** That all of them follow each other from the record with the pinned hash on, which comes first. */
export function chainClaim(
  genesis: Hash32,
  records: readonly SignedRecord[],
): Result<Claim<EpochChain>, ChainProblem> {
  const known: KnownRecord[] = [];
  const checks: SignatureCheck[] = [];
  for (const signed of records) {
    const claim = recordClaim(signed, known.at(-1) ?? { genesis });
    if (!claim.ok) return claim;
    known.push(claim.value.unproven);
    checks.push(...claim.value.checks);
  }
  if (known.length === 0) return err("genesis");
  return ok({ unproven: { records: known }, checks });
}

/** The record of exactly this epoch. */
export function recordAt(chain: EpochChain, at: Epoch | number): KnownRecord | null {
  return chain.records.find(({ record }) => record.epoch === at) ?? null;
}

export function recordByHash(chain: EpochChain, hash: Hash32): KnownRecord | null {
  return chain.records.find((known) => known.hash === hash) ?? null;
}
