/**
 * The inputs of one application on L1, written by hand, by a generator or by a lane.
 *
 * Signatures are symbolic: they name the signer and repeat the digest, so that recovery costs nothing
 * and still binds an op to its content and its domain.
 */

import type { SchedulerInput } from "../../src/core/scheduler/outcome.ts";
import { type Address, address, addressFromBytes, fromHex } from "../../src/core/types/hex.ts";
import { SIGNATURE_BYTES } from "../../src/core/types/protocol.ts";
import { err, ok } from "../../src/core/types/result.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { type Batch, encodeBatch, type WireUserOp } from "../../src/core/wire/batch.ts";
import type { RecoverAddress } from "../../src/core/wire/signature.ts";
import { domainSeparator, userOpDigest } from "../../src/core/wire/user-op.ts";

export const CHAIN_ID = 31_337;
export const APP: Address = address(`0x${"11".repeat(20)}`);
export const SEQUENCER: Address = address(`0x${"5e".repeat(20)}`);

/** An input and the batch that its writer meant; null where the bytes are meant to be none. */
export type LedgerInput = SchedulerInput & { readonly intent: Batch | null };

/** Inputs in L1 order; the block only advances. */
export class L1Ledger {
  readonly inputs: LedgerInput[] = [];
  #block: number;

  constructor(firstBlock: number) {
    this.#block = firstBlock;
  }

  get block(): number {
    return this.#block;
  }

  advance(blocks: number): this {
    this.#block += blocks;
    return this;
  }

  batch(batch: Batch, sender: Address = SEQUENCER): this {
    return this.#push(sender, encodeBatch(batch), batch);
  }

  /** A direct input, or bytes of the sequencer's that are no batch. */
  bytes(payload: Uint8Array, sender: Address): this {
    return this.#push(sender, payload, null);
  }

  #push(sender: Address, payload: Uint8Array, intent: Batch | null): this {
    const at = blockNumber(this.#block);
    this.inputs.push({ chainId: CHAIN_ID, app: APP, sender, blockNumber: at, payload, intent });
    return this;
  }
}

const SEPARATOR = domainSeparator({ chainId: CHAIN_ID, verifyingContract: APP });

/** An op from which `recoverSymbolic` recovers `signer`, as long as nothing in it is changed. */
export function symbolicOp(signer: Address, op: Omit<WireUserOp, "signature">): WireUserOp {
  const signature = new Uint8Array(SIGNATURE_BYTES);
  signature.set(fromHex(signer), 0);
  signature.set(userOpDigest(SEPARATOR, op), 20);
  return { ...op, signature };
}

export const recoverSymbolic: RecoverAddress = (digest, signature) => {
  if (signature.length !== SIGNATURE_BYTES) return err("length");
  const isSigned = digest.every((byte, i) => byte === signature[20 + i]);
  return isSigned ? ok(addressFromBytes(signature.subarray(0, 20))) : err("recover");
};

/** Whose op it is; null when its signature is of another content or length. */
export function signerOf(op: WireUserOp): Address | null {
  const recovered = recoverSymbolic(userOpDigest(SEPARATOR, op), op.signature);
  return recovered.ok ? recovered.value : null;
}
