/** Verifies a receipt in the browser and says what that proves: a module of its own, since it is mostly curves. */

import { formatEra } from "../../../core/chunk/era.ts";
import { recordByHash } from "../../../core/consensus/epoch-chain.ts";
import type { ReceiptProof } from "../../../core/consensus/verify-receipt.ts";
import { checksumAddress } from "../../../core/wire/address.ts";
import { findReceipt, isSignedBySender } from "../../../sdk/held-receipt.ts";
import { describeLimits, describeProblem, describeProof } from "../../../sdk/receipt-words.ts";
import { type Epochs, verifyEpochs, verifyReceipt } from "../../../sdk/verify-receipt.ts";
import type { Verdict } from "../view/op-result.ts";

export type Verifier = { readonly verify: typeof verify };

/** `isPinned`: the genesis is the reader's own, and not what the sequencer said. Never throws for what it reads. */
export async function verify(text: string, epochs: Epochs, isPinned: boolean): Promise<Verdict> {
  const receipt = findReceipt(text.trim());
  if (!receipt.ok) return { kind: "unknown", says: sentence(receipt.error) };
  const chain = await verifyEpochs(epochs);
  if (!chain.ok) {
    const says =
      chain.error.problem === "genesis"
        ? "The epoch records do not begin with the record of that genesis."
        : `The epoch records are no valid chain: ${chain.error.problem}.`;
    return { kind: "unknown", says };
  }
  const taken = { genesis: epochs.genesis, isPinned };
  const proof = await verifyReceipt(receipt.value, chain.value);
  if (!proof.ok) {
    const { error } = proof;
    if (error.about !== "receipt" || error.problem === "epoch") {
      return { kind: "unknown", says: "No record of the receipt's epoch is among those given." };
    }
    return { kind: "refuted", says: sentence(describeProblem(error.problem)), ...taken };
  }
  if (!isSignedBySender(proof.value)) {
    return { kind: "refuted", says: sentence(describeProblem("op-signature")), ...taken };
  }
  const { certified } = proof.value;
  const record = certified === null ? null : recordByHash(chain.value, certified.recordHash);
  return {
    kind: "proven",
    tier: proof.value.tier,
    says: describeProof(proof.value, record?.record.members.length ?? 0),
    limits: describeLimits(proof.value),
    facts: factsOf(proof.value),
    ...taken,
  };
}

function factsOf({ header, chunk, promisedBy, index }: ReceiptProof) {
  return [
    ["Application", checksumAddress(header.app)],
    ["Chain", String(header.chainId)],
    ["Era", formatEra(header.era)],
    ["Promised by", `sequencer ${promisedBy.candidate} of epoch ${promisedBy.epoch}`],
    ["Chunk", `${chunk.height}, event ${index}`],
    ["Chunk hash", chunk.hash],
  ] as const;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
