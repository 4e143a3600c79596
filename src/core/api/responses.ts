/** Bodies that are built by hand: the one that is sent most, those with receipts, and the largest. */

import { formatReceipt } from "../consensus/receipt-json.ts";
import { checksumAddress } from "../wire/address.ts";
import type { FeedPage, SignedUserOp, SoftConfirmation, TransactionBody } from "./sequencer-api.ts";

/** JSON text of a 200 to `POST /tx` (I1); `receipt` is there under a committee (C2). */
export function formatConfirmation(op: SignedUserOp, at: SoftConfirmation): string {
  const who = `"ok":true,"sender":"${checksumAddress(op.sender)}","nonce":${op.nonce}`;
  const receipt = at.receipt === undefined ? "" : `,"receipt":${at.receipt?.text ?? "null"}`;
  return `{${who},"offset":${at.offset},"batch_nonce":${at.batchNonce},"frame_fee":${at.frameFee}${receipt}}`;
}

/** JSON text of `GET /tx/:sender/:nonce` (I6). */
export function formatTransaction(body: TransactionBody): string {
  if (body.receipt == null) return JSON.stringify(body);
  const { receipt, ...rest } = body;
  return `${JSON.stringify(rest).slice(0, -1)},"receipt":${formatReceipt(receipt)}}`;
}

/** JSON text of `GET /feed` (F7). Records are JSON texts already, and may be 1 MiB together. */
export function formatFeedPage({ records, ...page }: FeedPage): string {
  const { era, generation, available_from, head, next_offset } = page;
  const opening = JSON.stringify({ era, generation, available_from, head }).slice(0, -1);
  return `${opening},"records":[${records.join(",")}],"next_offset":${next_offset}}`;
}
