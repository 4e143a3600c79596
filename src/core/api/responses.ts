/** Bodies that are built by hand: the one that is sent most, and the one that is largest. */

import { checksumAddress } from "../wire/address.ts";
import type { FeedPage, SignedUserOp, SoftConfirmation } from "./sequencer-api.ts";

/** JSON text of a 200 to `POST /tx` (I1). */
export function formatConfirmation(op: SignedUserOp, at: SoftConfirmation): string {
  const who = `"ok":true,"sender":"${checksumAddress(op.sender)}","nonce":${op.nonce}`;
  return `{${who},"offset":${at.offset},"batch_nonce":${at.batchNonce},"frame_fee":${at.frameFee}}`;
}

/** JSON text of `GET /feed` (F7). Records are JSON texts already, and may be 1 MiB together. */
export function formatFeedPage({ records, ...page }: FeedPage): string {
  const { era, generation, available_from, head, next_offset } = page;
  const opening = JSON.stringify({ era, generation, available_from, head }).slice(0, -1);
  return `${opening},"records":[${records.join(",")}],"next_offset":${next_offset}}`;
}
