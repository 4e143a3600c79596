/**
 * Reads everything that is signed and sent, and says what a committee must never have signed.
 *
 * It counts acks, not certificates: a quorum of acks that anybody could put together counts as one,
 * whether or not somebody did. What is lost on its way was signed all the same.
 */

import type { Message } from "../../src/consensus/messages.ts";
import type { Ack } from "../../src/core/consensus/ack.ts";
import type { SignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import { joiningMembers } from "../../src/core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { doubleAckEvidence, type Evidence } from "../../src/core/consensus/evidence.ts";
import { chunkRef, type SignedHeader } from "../../src/core/consensus/signed-header.ts";
import type { Hash32 } from "../../src/core/types/hex.ts";

export type Certified = {
  readonly epoch: number;
  readonly recordHash: Hash32;
  readonly height: number;
  readonly hash: Hash32;
};

export class Auditor {
  readonly #note: (line: string) => void;
  readonly #records = new Map<Hash32, KnownRecord>();
  readonly headers = new Map<Hash32, SignedHeader>();
  /** By record, height and hash: who acked. */
  readonly #acks = new Map<string, Map<number, Ack>>();
  readonly certified: Certified[] = [];
  /** Two acks of one member at one place. */
  readonly doubleAcks: Evidence[] = [];
  readonly #byPlace = new Map<string, Ack>();

  constructor(genesis: KnownRecord, note: (line: string) => void) {
    this.#note = note;
    this.#records.set(genesis.hash, genesis);
  }

  observe(message: Message): void {
    switch (message.is) {
      case "propose":
      case "sign":
        for (const { signed } of message.feed.chunks) this.#header(signed);
        return;
      case "chunks":
        for (const { signed } of message.chunks) this.#header(signed);
        return;
      case "records":
        for (const signed of message.records) this.#record(signed);
        return;
      case "ack":
        this.#ack(message.ack);
        return;
      default:
        return;
    }
  }

  #header(signed: SignedHeader): void {
    const { hash } = chunkRef(signed.header);
    this.headers.set(hash, signed);
  }

  #record({ record }: SignedRecord): void {
    const known = knownRecord(record);
    if (this.#records.has(known.hash)) return;
    this.#records.set(known.hash, known);
    const { inherited, keepThrough } = record.start;
    this.#note(
      `epoch ${record.epoch} led by ${record.leader} from ${inherited?.height} ${keepThrough}`,
    );
    const previous = this.#records.get(record.previous)?.record ?? null;
    const joining = joiningMembers(record, previous).length;
    if (joining > 0) this.#note(`${joining} join`);
  }

  #ack(ack: Ack): void {
    const { recordHash, height, chunkHash, epoch } = ack.statement;
    const { member } = ack.by;
    const place = `${recordHash} ${height} ${member}`;
    const before = this.#byPlace.get(place);
    if (before === undefined) this.#byPlace.set(place, ack);
    else if (before.statement.chunkHash !== chunkHash) {
      const evidence = doubleAckEvidence(before, ack);
      if (evidence !== null) this.doubleAcks.push(evidence);
    }
    const key = `${recordHash} ${height} ${chunkHash}`;
    const acks = this.#acks.get(key) ?? new Map<number, Ack>();
    this.#acks.set(key, acks);
    if (acks.has(member)) return;
    acks.set(member, ack);
    const quorum = this.#records.get(recordHash)?.record.quorum;
    if (quorum !== undefined && acks.size === quorum) {
      this.certified.push({ epoch, recordHash, height, hash: chunkHash });
      this.#note(`certified ${height} in ${epoch}: ${chunkHash.slice(0, 10)}`);
    }
  }

  /** Heights of one epoch at which two chunks have a quorum each. */
  get doubles(): readonly Certified[] {
    return this.certified.filter((one, i) =>
      this.certified.some(
        (other, j) =>
          j < i &&
          other.recordHash === one.recordHash &&
          other.height === one.height &&
          other.hash !== one.hash,
      ),
    );
  }

  /** Members that acked this chunk in any epoch. */
  readonly acked = (hash: Hash32): readonly number[] =>
    [...this.#acks].flatMap(([key, acks]) => (key.endsWith(hash) ? [...acks.keys()] : []));

  /** Certified chunks that are not on the line of the newest one: of these, something was lost. */
  get lost(): readonly Certified[] {
    const { line } = this;
    return this.certified.filter(({ height, hash }) => line.get(height) !== hash);
  }

  /** Hashes by height, down from the newest chunk that was certified in the newest epoch. */
  get line(): ReadonlyMap<number, Hash32> {
    const line = new Map<number, Hash32>();
    const newest = this.#newest();
    let hash = newest?.hash;
    for (let height = newest?.height ?? -1; height >= 0 && hash !== undefined; height--) {
      line.set(height, hash);
      hash = this.headers.get(hash)?.header.parent;
    }
    return line;
  }

  #newest(): Certified | null {
    return this.certified.reduce<Certified | null>((best, one) => {
      const isNewer =
        best === null ||
        one.epoch > best.epoch ||
        (one.epoch === best.epoch && one.height > best.height);
      return isNewer ? one : best;
    }, null);
  }

  /** Offsets along the line to the newest certified chunk that do not go up. */
  get offsetsGoUp(): boolean {
    const newest = this.#newest();
    let signed = newest === null ? undefined : this.headers.get(newest.hash);
    while (signed !== undefined) {
      const before = this.headers.get(signed.header.parent);
      if (before !== undefined && before.header.nextOffset > signed.header.firstOffset)
        return false;
      signed = before;
    }
    return true;
  }
}
