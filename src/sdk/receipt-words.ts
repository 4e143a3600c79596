/** What a verified receipt proves, and what it does not, in words that its holder understands (C2). */

import type { ChunkEvent } from "../core/chunk/event.ts";
import type { ReceiptProblem, ReceiptProof } from "../core/consensus/verify-receipt.ts";
import { unreachable } from "../core/types/assert.ts";
import { checksumAddress } from "../core/wire/address.ts";

/** `op-signature`: the op's own, by the sender that it names. */
export type Problem = Exclude<ReceiptProblem, "epoch"> | "signature" | "op-signature";

/** One sentence on what is proven. `members` is the size of the committee that certified. */
export function describeProof(proof: ReceiptProof, members: number): string {
  const { certified, promisedBy } = proof;
  const sequencer = `sequencer ${promisedBy.candidate} of epoch ${promisedBy.epoch}`;
  const stands = `${describeEvent(proof.event)} stands ${describePlace(proof)}`;
  const said =
    certified === null
      ? `Ordered: ${sequencer} signed that ${stands}`
      : `Certified: ${certified.signers.length} of ${members} validators of epoch ${certified.epoch} ` +
        `signed that they store the order in which ${stands}, as ${sequencer} promised`;
  return `${said}${describeStanding(proof)}.`;
}

/** One sentence on what nobody may read into it. */
export function describeLimits({ event }: ReceiptProof): string {
  const limits = "It does not prove that L1 accepts it, or that nothing has voided it since";
  if (event.kind !== "op") return `${limits}.`;
  return `${limits}, or that the operation does what its sender wants when it is executed.`;
}

/** What can still happen to it. */
function describeStanding({ event, certified, abandonedBy }: ReceiptProof): string {
  if (abandonedBy !== null) {
    const went = `; epoch ${abandonedBy} went on without it`;
    return certified === null
      ? `${went}, so it is void`
      : `${went}, so validators broke their word, and their signatures prove it`;
  }
  if (event.kind === "rollback" && certified !== null) {
    return "; with a receipt for one of those offsets it proves that the promise was broken";
  }
  if (event.kind !== "op" && event.kind !== "direct") return "";
  const proves =
    "this receipt with the certified receipt of that rollback proves the broken promise";
  return certified === null
    ? `; no validator has confirmed it, so a new leader or a recovery on L1 can void it, and ${proves}`
    : `; while sequencers and validators keep their word only a recovery on L1 can void it, and ${proves}`;
}

function describeEvent(event: ChunkEvent): string {
  switch (event.kind) {
    case "op":
      return `the operation with nonce ${event.nonce} of ${checksumAddress(event.sender)}`;
    case "direct":
      return `direct input ${event.inputIndex} of L1 from ${checksumAddress(event.sender)}`;
    case "frame":
      return `the opening of frame ${event.frame} in batch ${event.batchNonce}`;
    case "seal":
      return `the seal of batch ${event.batchNonce} with the payload hash ${event.payloadHash}`;
    case "rollback":
      return `the rollback that voids every offset above ${event.keepThrough} and below ${event.offset}`;
    case "watermark":
      return `the watermark of wallet nonce ${event.walletNonce}`;
    case "tally":
      return `the tally before a seal: generation ${event.generation}, watermark ${event.walletNonce ?? "none"}`;
    default:
      return unreachable(event);
  }
}

function describePlace({ event, header, index }: ReceiptProof): string {
  if ("offset" in event) return `at offset ${event.offset}`;
  return `in chunk ${header.height} at place ${index}`;
}

/** Why it proves nothing. */
export function describeProblem(problem: Problem): string {
  switch (problem) {
    case "header":
      return "its chunk is none of this deployment's log in that epoch";
    case "scheme":
      return "its signature is of another kind than the sequencer's";
    case "path":
      return "the event is not part of the chunk that was signed";
    case "offset":
      return "the event's offset is not one of its chunk";
    case "links":
      return "its headers do not lead to the chunk that the certificate names";
    case "record":
      return "the certificate names another epoch record";
    case "members":
      return "the certificate is of another committee";
    case "quorum":
      return "the certificate has fewer signatures than the quorum";
    case "signature":
      return "a signature in it does not hold";
    case "op-signature":
      return "the sequencer put it there, but the sender that it names did not sign the operation";
    default:
      return unreachable(problem);
  }
}
