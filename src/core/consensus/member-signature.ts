/** One member's signature under what it said: by index into the record, so each can be held to it (C3). */

import { concatBytes } from "@noble/hashes/utils.js";
import { assert } from "../types/assert.ts";
import { err, ok, type Result } from "../types/result.ts";
import type { SignatureCheck } from "./claim.ts";
import { type FormatReader, schemeTag, u8 } from "./encoding.ts";
import type { EpochRecord } from "./epoch-record.ts";
import {
  MEMBERS_MAX,
  type MemberIndex,
  memberIndex,
  SCHEME_PARAMETERS,
  type SchemeId,
} from "./types.ts";

export type MemberSignature = {
  readonly member: MemberIndex;
  readonly scheme: SchemeId;
  readonly signature: Uint8Array;
};

/** member u8 | scheme u8 | signature */
export function encodeMemberSignature({ member, scheme, signature }: MemberSignature): Uint8Array {
  assert(member < MEMBERS_MAX, "a member has an index below the greatest committee");
  const { signatureBytes } = SCHEME_PARAMETERS[scheme];
  assert(signature.length === signatureBytes, "a signature has its scheme's length");
  return concatBytes(u8(member), schemeTag(scheme), signature);
}

export function readMemberSignature(reader: FormatReader): MemberSignature {
  const member = memberIndex(reader.u8());
  if (member >= MEMBERS_MAX) reader.fail("value");
  const scheme = reader.scheme();
  return { member, scheme, signature: reader.raw(SCHEME_PARAMETERS[scheme].signatureBytes) };
}

/** The check that this member of the record signed `message`; error: the record has no such member. */
export function memberCheck(
  { member, scheme, signature }: MemberSignature,
  record: EpochRecord,
  message: Uint8Array,
): Result<SignatureCheck, "member"> {
  const key = record.members[member]?.key;
  if (key === undefined || scheme !== record.scheme) return err("member");
  return ok({ kind: "signature", scheme, publicKey: key, message, signature });
}
