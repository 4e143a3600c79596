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
import type { OrderedReceipt, Receipt } from "../../core/consensus/receipt.ts";
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
  const { waiters, log } = member.certify;
  return { ...confirmed, receipt: await waiters.wait(confirmed.receipt, log.end.height) };
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
    return await Promise.all(
      decisions.map(async (decision) => {
        if (!decision.ok) return decision;
        const { offset } = decision.value;
        const receipt = receipts(offset) ?? (await committee.receipt(offset));
        return ok({ ...decision.value, receipt });
      }),
    );
  } catch (error) {
    // The ops are included: a retry finds them. What broke here is the platform's key, or a bug.
    log("error", "receipt-failed", { error: errorName(error), ops: decisions.length });
    return decisions.map((decision) => (decision.ok ? err(internalError) : decision));
  }
}

/** Receipts of the ops of the last chunk, by offset. A commit of ops is one chunk. */
function receiptsOf(
  { last }: Written,
  signed: readonly SignedHeader[],
): (at: Offset) => OrderedReceipt | null {
  const header = signed.at(-1);
  if (last === null || header === undefined) return () => null;
  const { events, tree } = last;
  const indices = new Map(
    events.flatMap((event, i) => (event.kind === "op" ? [[event.offset, i] as const] : [])),
  );
  return (at) => {
    const index = indices.get(at);
    const event = index === undefined ? undefined : events[index];
    if (index === undefined || event === undefined) return null;
    return { tier: "ordered", header, event, index, path: pathIn(tree, index) };
  };
}
