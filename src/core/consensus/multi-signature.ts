/**
 * Signatures of several members over one message: a bitmap over the sorted members, then one signature
 * for each bit, or a single one where the scheme aggregates.
 *
 *     scheme u8 | members u8 | bitmap ceil(members / 8) | signatures
 *
 * Member i is bit i mod 8 of byte i / 8, the least significant first; bits beyond the members are zero.
 * Without signers there is no signature. Each signer is named and proven, so each can be held to it.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { assert, must } from "../types/assert.ts";
import { err, ok, type Result } from "../types/result.ts";
import type { SignatureCheck } from "./claim.ts";
import { type FormatReader, schemeTag, u8 } from "./encoding.ts";
import {
  MEMBERS_MAX,
  type MemberIndex,
  memberIndex,
  SCHEME_PARAMETERS,
  type Scheme,
  type SchemeId,
} from "./types.ts";

export type MultiSignature = {
  readonly scheme: SchemeId;
  /** How many may sign: members of the set. */
  readonly members: number;
  /** Strictly ascending, below `members`. */
  readonly signers: readonly MemberIndex[];
  /** In the order of the signers; a single one where the scheme aggregates. */
  readonly signatures: readonly Uint8Array[];
};

export type SignedByMember = { readonly member: MemberIndex; readonly signature: Uint8Array };

/**
 * Asserts distinct signers below `members`. Each signature must have been verified: an aggregate does
 * not say which part of it is bad.
 */
export function combineSignatures(
  scheme: Scheme,
  members: number,
  signed: readonly SignedByMember[],
): MultiSignature {
  const sorted = [...signed].sort((a, b) => a.member - b.member);
  const signatures = sorted.map(({ signature }) => signature);
  const { aggregate } = scheme;
  const combined =
    aggregate === null || signatures.length === 0 ? signatures : [aggregate.combine(signatures)];
  const multi = {
    scheme: scheme.id,
    members,
    signers: sorted.map(({ member }) => member),
    signatures: combined,
  };
  assert(isWellFormed(multi), "signers are distinct members and signatures have their length");
  return multi;
}

function isWellFormed({ scheme, members, signers, signatures }: MultiSignature): boolean {
  const { signatureBytes } = SCHEME_PARAMETERS[scheme];
  return (
    Number.isInteger(members) &&
    members >= 0 &&
    members <= MEMBERS_MAX &&
    signers.every((at, i) => at > (signers[i - 1] ?? -1) && at < members) &&
    signatures.length === signatureCount(scheme, signers.length) &&
    signatures.every(({ length }) => length === signatureBytes)
  );
}

function signatureCount(scheme: SchemeId, signers: number): number {
  return SCHEME_PARAMETERS[scheme].aggregates ? Math.min(signers, 1) : signers;
}

export function encodeMultiSignature(multi: MultiSignature): Uint8Array {
  assert(isWellFormed(multi), "a multi-signature is well formed");
  const bitmap = new Uint8Array(Math.ceil(multi.members / 8));
  for (const signer of multi.signers) {
    bitmap[signer >> 3] = (bitmap[signer >> 3] ?? 0) | (1 << (signer & 7));
  }
  return concatBytes(schemeTag(multi.scheme), u8(multi.members), bitmap, ...multi.signatures);
}

export function readMultiSignature(reader: FormatReader): MultiSignature {
  const scheme = reader.scheme();
  const members = reader.u8();
  if (members > MEMBERS_MAX) reader.fail("value");
  const bitmap = reader.raw(Math.ceil(members / 8));
  const bits = Array.from({ length: bitmap.length * 8 }, (_, i) => i).filter(
    (i) => ((bitmap[i >> 3] ?? 0) & (1 << (i & 7))) !== 0,
  );
  if (bits.some((bit) => bit >= members)) reader.fail("value");
  const { signatureBytes } = SCHEME_PARAMETERS[scheme];
  return {
    scheme,
    members,
    signers: bits.map(memberIndex),
    signatures: reader.list(signatureCount(scheme, bits.length), () => reader.raw(signatureBytes)),
  };
}

/** The checks that show that each signer signed `message`; error: not these members' signatures. */
export function multiSignatureChecks(
  multi: MultiSignature,
  scheme: SchemeId,
  keys: readonly Uint8Array[],
  message: Uint8Array,
): Result<readonly SignatureCheck[], "members"> {
  if (multi.scheme !== scheme || multi.members !== keys.length || !isWellFormed(multi)) {
    return err("members");
  }
  const publicKeys = multi.signers.map((at) => must(keys[at], "a signer is a member"));
  const [first] = multi.signatures;
  if (SCHEME_PARAMETERS[scheme].aggregates) {
    if (first === undefined) return ok([]);
    return ok([{ kind: "aggregate", scheme, publicKeys, message, signature: first }]);
  }
  return ok(
    publicKeys.map((publicKey, i) => ({
      kind: "signature",
      scheme,
      publicKey,
      message,
      signature: must(multi.signatures[i], "each signer has a signature"),
    })),
  );
}
