/**
 * Signatures of one key, each made once and sent again as it was made (C3).
 *
 * A signature leaves before it is durable: what it says is, and is all that binds. It is stored with the
 * next write; if the signer dies before that, it signs the same again, and evidence compares what is
 * signed, never signatures. A write of its own would double the disk's part in every ack.
 */

import type { AsyncSigner } from "../core/consensus/types.ts";
import { ACCEPTED_RECORDS_MAX } from "../core/consensus/validator-state.ts";
import { bytesEqual } from "../core/types/bytes.ts";
import type { KeptSignature } from "./validator-store.ts";

/** Kinds that are kept: the newest of acks, reports and votes, and of as many records. */
export const SIGNATURES_MAX = 2 * ACCEPTED_RECORDS_MAX;

export class SignatureBook {
  readonly #signer: AsyncSigner;
  #kept: readonly KeptSignature[];
  #unstored: readonly KeptSignature[] = [];

  constructor(signer: AsyncSigner, kept: readonly KeptSignature[]) {
    this.#signer = signer;
    this.#kept = kept;
  }

  get publicKey(): Uint8Array {
    return this.#signer.publicKey;
  }

  get scheme(): AsyncSigner["scheme"] {
    return this.#signer.scheme;
  }

  async sign(kind: string, message: Uint8Array): Promise<Uint8Array> {
    const kept = this.#kept.find((one) => one.kind === kind);
    if (kept !== undefined && bytesEqual(kept.message, message)) return kept.signature;
    const signature = await this.#signer.sign(message);
    const next = { kind, message, signature };
    this.#kept = withSignature(this.#kept, next);
    this.#unstored = withSignature(this.#unstored, next);
    return signature;
  }

  /** What the next write is to store; asked for by that write alone. */
  takeUnstored(): readonly KeptSignature[] {
    const taken = this.#unstored;
    this.#unstored = [];
    return taken;
  }
}

/** The newest of its kind takes the place of the one before. */
export function withSignature(
  kept: readonly KeptSignature[],
  next: KeptSignature,
): readonly KeptSignature[] {
  return [...kept.filter(({ kind }) => kind !== next.kind), next].slice(-SIGNATURES_MAX);
}
