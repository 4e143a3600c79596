/**
 * Verifies a receipt where it is held, in a browser or in Node, with no server and no network (C2).
 *
 * What has to be known beforehand is one hash: that of the deployment's first epoch record. The records
 * that lead from it to the receipt's epoch may come from anybody.
 */

import type { FormatError } from "../core/consensus/encoding.ts";
import {
  type ChainProblem,
  chainClaim,
  decodeSignedRecord,
  type EpochChain,
  type SignedRecord,
} from "../core/consensus/epoch-chain.ts";
import type { Receipt } from "../core/consensus/receipt.ts";
import { parseReceipt } from "../core/consensus/receipt-json.ts";
import {
  type ReceiptProblem,
  type ReceiptProof,
  receiptClaim,
} from "../core/consensus/verify-receipt.ts";
import { fromHex, hash32 } from "../core/types/hex.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { settleAsync } from "../crypto/schemes/registry.ts";

export type Epochs = {
  /** Pinned hash of the record of epoch 0: `0x` and 64 lower-case hex digits. */
  readonly genesis: string;
  /** Signed records as `0x` and lower-case hex, by epoch from 0 on. */
  readonly records: readonly string[];
};

/** `text`: not what it should be at all. A failed signature is the problem `signature`. */
export type Refusal =
  | {
      readonly about: "epochs";
      readonly problem: ChainProblem | FormatError | "signature" | "text";
    }
  | { readonly about: "receipt"; readonly problem: ReceiptProblem | "signature" }
  | { readonly about: "text"; readonly problem: string };

/** Leaderships since the deployment's beginning that one verification takes. */
const RECORDS_MAX = 10_000;
/** A record of the greatest committee, with its signatures, is some 50 000 bytes. */
const RECORD_TEXT_MAX = 128 * 1024;
const HASH = /^0x[0-9a-f]{64}$/;
const HEX = /^0x(?:[0-9a-f]{2})*$/;

/** What the receipt proves. Its text, or parsed; the epochs to be verified as well, or verified before. */
export async function verifyReceipt(
  receipt: string | Receipt,
  epochs: Epochs | EpochChain,
): Promise<Result<ReceiptProof, Refusal>> {
  const parsed = typeof receipt === "string" ? parseReceipt(receipt) : ok(receipt);
  if (!parsed.ok) return err({ about: "text", problem: parsed.error });
  const chain = "genesis" in epochs ? await verifyEpochs(epochs) : ok(epochs);
  if (!chain.ok) return chain;
  const claim = receiptClaim(parsed.value, chain.value);
  if (!claim.ok) return err({ about: "receipt", problem: claim.error });
  const proof = await settleAsync(claim.value);
  return proof.ok ? proof : err({ about: "receipt", problem: proof.error });
}

/** The chain of records from the pinned one on: worth keeping by whoever verifies many receipts. */
export async function verifyEpochs(epochs: Epochs): Promise<Result<EpochChain, Refusal>> {
  const { genesis, records } = epochs;
  if (!HASH.test(genesis) || records.length > RECORDS_MAX) return refused("text");
  const decoded: SignedRecord[] = [];
  for (const text of records) {
    if (text.length > RECORD_TEXT_MAX || !HEX.test(text)) return refused("text");
    const record = decodeSignedRecord(fromHex(text));
    if (!record.ok) return refused(record.error);
    decoded.push(record.value);
  }
  const claim = chainClaim(hash32(genesis), decoded);
  if (!claim.ok) return refused(claim.error);
  const chain = await settleAsync(claim.value);
  return chain.ok ? chain : refused(chain.error);
}

function refused(
  problem: ChainProblem | FormatError | "signature" | "text",
): Result<never, Refusal> {
  return err({ about: "epochs", problem });
}
