/** What a validator signs and says when its step function lets it. */

import { ackPreimage } from "../core/consensus/ack.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { recordPreimage } from "../core/consensus/epoch-record-bytes.ts";
import type { MemberSignature } from "../core/consensus/member-signature.ts";
import { reportPreimage } from "../core/consensus/report.ts";
import type { MemberIndex } from "../core/consensus/types.ts";
import type { ValidatorEffect } from "../core/consensus/validator-events.ts";
import { memberOf } from "../core/consensus/validator-state.ts";
import { must } from "../core/types/assert.ts";
import type { Answer } from "./messages.ts";
import type { SignatureBook } from "./signature-book.ts";

export type Speech = ValidatorEffect & { readonly do: "ack" | "report" | "sign-records" };

/** Null when the key is no member of the record any more. */
export async function speak(
  effect: Speech,
  head: KnownRecord,
  book: SignatureBook,
): Promise<Answer | null> {
  if (effect.do === "sign-records") return await signRecords(effect, book);
  const member = memberOf(head.record, book.publicKey);
  if (member === null) return null;
  const { scheme } = book;
  if (effect.do === "ack") {
    const signature = await book.sign("ack", ackPreimage(effect.statement));
    return { is: "ack", ack: { statement: effect.statement, by: { member, scheme, signature } } };
  }
  const signature = await book.sign("report", reportPreimage(effect.statement));
  const report = { statement: effect.statement, by: { member, scheme, signature } };
  return { is: "report", report, accepted: effect.accepted };
}

/** As one of the members before it signs each record; as one that joins, the last. */
async function signRecords(
  effect: Speech & { readonly do: "sign-records" },
  book: SignatureBook,
): Promise<Answer> {
  const last = must(effect.records.at(-1), "there is a record to sign");
  const member = memberOf(effect.previous.record, book.publicKey);
  const joins = member === null ? memberOf(last.record, book.publicKey) : null;
  const byPrevious =
    member === null
      ? null
      : await Promise.all(effect.records.map((known) => signRecord(known, member, book)));
  const byJoining = joins === null ? null : await signRecord(last, joins, book);
  return { is: "signed", records: effect.records.map(({ hash }) => hash), byPrevious, byJoining };
}

async function signRecord(
  { record, hash }: KnownRecord,
  member: MemberIndex,
  book: SignatureBook,
): Promise<MemberSignature> {
  const signature = await book.sign(`record ${hash}`, recordPreimage(record));
  return { member, scheme: book.scheme, signature };
}
