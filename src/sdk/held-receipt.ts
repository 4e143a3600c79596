/** A receipt as its holder has it: alone or within an answer; and whether the sender itself signed the op in it. */

import type { ChunkEvent } from "../core/chunk/event.ts";
import type { ChunkHeader } from "../core/chunk/header.ts";
import type { Receipt } from "../core/consensus/receipt.ts";
import { parseReceipt } from "../core/consensus/receipt-json.ts";
import type { ReceiptProof } from "../core/consensus/verify-receipt.ts";
import { err, type Result } from "../core/types/result.ts";
import { recoverAddress } from "../core/wire/signature.ts";
import { domainSeparator, userOpDigest } from "../core/wire/user-op.ts";

/** The receipt itself, or the field `receipt` of an answer. Error: why there is none, for people. */
export function findReceipt(text: string): Result<Receipt, string> {
  const held = fieldOf(text);
  if (held === null) return err("the answer holds no receipt");
  const parsed = parseReceipt(held === undefined ? text : JSON.stringify(held));
  return parsed.ok ? parsed : err(`this is no receipt: ${parsed.error}`);
}

/** Undefined when the text is no object with that field: then it may be a receipt, and its parser says what is wrong. */
function fieldOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("receipt" in value)) return undefined;
    return value.receipt;
  } catch {
    // Not JSON.
    return undefined;
  }
}

/** No validator in mode `linkage` looks at the op's own signature, so whoever verifies a receipt does. */
export function isSignedBySender({ event, header }: ReceiptProof): boolean {
  if (event.kind !== "op") return true;
  const signer = recoverAddress(digestOfOp(event, header), event.signature);
  return signer.ok && signer.value === event.sender;
}

/** What the sender signed: the digest that `GET /tx` gives. */
export function digestOfOp(
  op: ChunkEvent & { readonly kind: "op" },
  { chainId, app }: ChunkHeader,
): Uint8Array {
  return userOpDigest(domainSeparator({ chainId, verifyingContract: app }), op);
}
