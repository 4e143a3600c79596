/** The chain of epoch records as a driver holds it: grown by verified records only (C6, C9). */

import {
  chainClaim,
  type EpochChain,
  recordByHash,
  recordClaim,
  type SignedRecord,
} from "../core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { must } from "../core/types/assert.ts";
import type { Hash32 } from "../core/types/hex.ts";
import type { Judge } from "./clock.ts";
import type { Gossip } from "./messages.ts";

/** Records of one message. */
export const RECORDS_PAGE = 64;

export class Records {
  readonly #judge: Judge;
  #signed: readonly SignedRecord[] = [];
  #chain: EpochChain = { records: [] };

  private constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** Throws when stored records are no chain: that is a corrupt store. */
  static async open(
    judge: Judge,
    genesis: Hash32,
    signed: readonly SignedRecord[],
  ): Promise<Records> {
    const records = new Records(judge);
    const claim = chainClaim(genesis, signed);
    const chain = claim.ok ? await judge.settle(claim.value) : claim;
    if (!chain.ok) throw new Error(`the epoch records are no chain: ${chain.error}`);
    records.#signed = signed;
    records.#chain = chain.value;
    return records;
  }

  get chain(): EpochChain {
    return this.#chain;
  }

  get head(): KnownRecord {
    return must(this.#chain.records.at(-1), "a chain has a first record");
  }

  get genesis(): Hash32 {
    return must(this.#chain.records[0], "a chain has a first record").hash;
  }

  /** A page of the signed records of later epochs. */
  readonly after = (epoch: number): readonly SignedRecord[] =>
    this.#signed.filter(({ record }) => record.epoch > epoch).slice(0, RECORDS_PAGE);

  /** Verifies what follows the head and says which those are; `take` puts them into the chain. */
  async check(records: readonly SignedRecord[]): Promise<readonly VerifiedRecord[]> {
    const verified: VerifiedRecord[] = [];
    for (const signed of records) {
      const before = verified.at(-1)?.known ?? this.head;
      if (signed.record.previous !== before.hash) continue;
      const claim = recordClaim(signed, before);
      const settled = claim.ok ? await this.#judge.settle(claim.value) : claim;
      if (!settled.ok) break;
      verified.push({ signed, known: settled.value });
    }
    return verified;
  }

  /** Leaves out what is no longer next: the chain may have grown since it was verified. */
  take(verified: readonly VerifiedRecord[]): readonly VerifiedRecord[] {
    const taken: VerifiedRecord[] = [];
    for (const one of verified) {
      if (one.signed.record.previous !== this.head.hash) continue;
      this.#signed = [...this.#signed, one.signed];
      this.#chain = { records: [...this.#chain.records, one.known] };
      taken.push(one);
    }
    return taken;
  }
}

export type VerifiedRecord = { readonly signed: SignedRecord; readonly known: KnownRecord };

export type ChainView = {
  readonly chain: EpochChain;
  readonly after: (epoch: number) => readonly SignedRecord[];
};

/** What to tell somebody whose newest record is this one: whoever is behind learns of the rest. */
export function answerToHead({ chain, after }: ChainView, hash: Hash32): Gossip | null {
  const head = must(chain.records.at(-1), "a chain has a first record");
  const theirs = recordByHash(chain, hash);
  if (theirs === null) return { is: "want-records", after: head.record.epoch };
  if (theirs === head) return null;
  return { is: "records", records: after(theirs.record.epoch) };
}
