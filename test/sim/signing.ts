/**
 * The real submitter, remembered: signing is deterministic, so what was signed once is not signed again.
 *
 * It also knows every transaction that was ever signed, which is how the simulated L1 learns what a raw
 * one says without recovering its signer.
 */

import { createHash } from "node:crypto";
import { must } from "../../src/core/types/assert.ts";
import type { SignedTransaction, Submitter } from "../../src/l1/l1.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { type PoolTransaction, parseRaw } from "./mempool.ts";

export class Signing {
  readonly submitter: Submitter;
  readonly #signed = new Map<string, Promise<SignedTransaction>>();
  readonly #byRaw = new Map<string, PoolTransaction>();

  constructor(privateKey: string) {
    const real = createSubmitter(privateKey);
    const remember = (key: string, sign: () => Promise<SignedTransaction>) => {
      const known = this.#signed.get(key);
      if (known !== undefined) return known;
      const signed = sign().then((transaction) => {
        const { raw, hash } = transaction;
        this.#byRaw.set(raw, parseRaw(raw, hash, real.address));
        return transaction;
      });
      this.#signed.set(key, signed);
      return signed;
    };
    this.submitter = {
      address: real.address,
      sign: (chainId, transaction) => {
        const { payload, ...terms } = transaction;
        const bytes = createHash("sha256").update(payload).digest("hex");
        return remember(keyOf(chainId, terms, bytes), () => real.sign(chainId, transaction));
      },
      signNoOp: (chainId, terms) =>
        remember(keyOf(chainId, terms, "no-op"), () => real.signNoOp(chainId, terms)),
    };
  }

  parse(raw: string): PoolTransaction {
    return must(this.#byRaw.get(raw), "only the submitter's key signs for its account");
  }
}

function keyOf(chainId: number, terms: object, bytes: string): string {
  const fields = Object.values(terms).map(String);
  return [chainId, ...fields, bytes].join(" ");
}
