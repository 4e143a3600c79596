/**
 * From what the lane decided to what a client is told: under a committee, with a signed receipt (C2).
 *
 * The chunk is committed before its header is signed. If the object dies in between, no client was
 * answered, the next life signs the same header, and a retry gets the receipt that is made of the rows
 * (I4). The two signatures may differ and prove the same: evidence compares hashes (C3).
 */

import { internalError, type Rejection } from "../../core/api/rejection.ts";
import type { OpPlace, SignedUserOp, SoftConfirmation } from "../../core/api/sequencer-api.ts";
import { pathIn } from "../../core/chunk/merkle.ts";
import type { Receipt } from "../../core/consensus/receipt.ts";
import {
  orderedReceiptText,
  type ReceiptText,
  receiptText,
} from "../../core/consensus/receipt-json.ts";
import type { SignedHeader } from "../../core/consensus/signed-header.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { batchNonce, feeExponent, type Offset } from "../../core/types/units.ts";
import { errorName, log } from "../shared/log.ts";
import type { Written } from "./chunk-writer.ts";
import type { Member } from "./member.ts";
import { findOp } from "./storage/egress.ts";

export type Decision = Result<OpPlace, Rejection>;
export type Outcome = Result<SoftConfirmation, Rejection>;

/** What the lane asks of the committee. */
export type LaneCommittee = {
  /** Whether this candidate leads and its epoch is open: nobody else appends (C6). */
  readonly leads: () => boolean;
  /** C6: too much waits for certificates, and nothing is ordered. */
  readonly isFull: () => boolean;
  /** Signs chunks that were just committed and shows them to the committee, in the order of the calls. */
  readonly wrote: (written: Written) => Promise<readonly SignedHeader[]>;
  /** Of the op at this offset, made of the rows; null when they do not show it. */
  readonly receipt: (at: Offset) => Promise<Receipt | null>;
};

/** A group's chunk on its way to its signature. */
export type Promised = {
  readonly written: Written;
  readonly signed: Promise<readonly SignedHeader[]>;
};

/** C2: the answer of the lane, held until its chunk is certified, or for as long as that may take. */
export async function certified(
  { member }: { readonly member: Member | null },
  confirmed: SoftConfirmation,
): Promise<SoftConfirmation> {
  if (member === null || confirmed.receipt == null) return confirmed;
  const { certify } = member;
  const ordered = await certify.receipt(confirmed.offset);
  if (ordered === null) return confirmed;
  const receipt = await certify.waiters.wait(ordered, certify.log.end.height);
  return { ...confirmed, receipt: receiptText(receipt) };
}

/** I4: what a valid, identical op was told; the digest covers nonce, max fee and data. */
export function originalDecision(sql: SqlStorage, op: SignedUserOp): Decision | null {
  const row = findOp(sql, op.sender, op.nonce);
  if (row === null || row.isVoid) return null;
  if (row.maxFee !== op.maxFee || !bytesEqual(row.data, op.data)) return null;
  return ok({
    offset: row.offset,
    batchNonce: batchNonce(row.batchNonce),
    frameFee: feeExponent(row.frameFee),
  });
}

/** Waits for the signature. Ops that were included before, by an earlier attempt, get theirs again. */
export async function withReceipts(
  decisions: readonly Decision[],
  promised: Promised,
  committee: LaneCommittee,
): Promise<readonly Outcome[]> {
  try {
    const receipts = receiptsOf(promised.written, await promised.signed);
    const outcomes: Outcome[] = [];
    for (const decision of decisions) {
      const receipt = decision.ok ? receipts(decision.value.offset) : null;
      if (!decision.ok) outcomes.push(decision);
      else if (receipt !== null) outcomes.push(ok({ ...decision.value, receipt }));
      else outcomes.push(ok(await withStoredReceipt(decision.value, committee)));
    }
    return outcomes;
  } catch (error) {
    // The ops are included: a retry finds them. What broke here is the platform's key, or a bug.
    log("error", "receipt-failed", { error: errorName(error), ops: decisions.length });
    return decisions.map((decision) => (decision.ok ? err(internalError) : decision));
  }
}

async function withStoredReceipt(
  place: OpPlace,
  committee: LaneCommittee,
): Promise<SoftConfirmation> {
  const receipt = await committee.receipt(place.offset);
  return { ...place, receipt: receipt === null ? null : receiptText(receipt) };
}

/** Receipts of the ops of the last chunk, by offset. A commit of ops is one chunk. */
function receiptsOf(
  { chunks, last }: Written,
  signed: readonly SignedHeader[],
): (at: Offset) => ReceiptText | null {
  const [chunk, own] = [chunks.at(-1), signed.at(-1)];
  if (chunk === undefined || last === null || own === undefined) return () => null;
  const { events, leaves, tree } = last;
  const { scheme, signature } = own;
  const indices = new Map<number, number>();
  for (const [i, event] of events.entries()) if (event.kind === "op") indices.set(event.offset, i);
  return (at) => {
    const index = indices.get(at);
    const event = index === undefined ? undefined : leaves[index];
    if (index === undefined || event === undefined) return null;
    const path = pathIn(tree, index);
    return orderedReceiptText({ header: chunk.encoded, scheme, signature, event, index, path });
  };
}
