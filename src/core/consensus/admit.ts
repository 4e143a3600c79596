/**
 * A validator's rules of admission: which chunks it stores, and which one it acks (C4).
 *
 * Total and pure. An ack says: this chunk and everything to it is stored here, it is on the line of the
 * newest record, everything known to be certified is on its line, and it is beyond what was acked last.
 */

import type { Hash32 } from "../types/hex.ts";
import { type Evidence, forkEvidence } from "./evidence.ts";
import { followsLine, type LineChunk } from "./line.ts";
import { isOfHistory } from "./signed-header.ts";
import { type CandidateIndex, type ChunkRef, compareTips, type Epoch } from "./types.ts";
import {
  endAt,
  findChunk,
  LINE_CHUNKS_MAX,
  lineTo,
  tipOfAck,
  type ValidatorDurable,
} from "./validator-state.ts";

/**
 * `evidence`: the same leader signed another chunk at this height, which is known here. `old`: at or
 * below what is certified. `gap`: its parent is not stored. `full`: too many chunks.
 */
export type Admission = {
  readonly evidence: Evidence | null;
  readonly verdict: "new" | "stored" | "old" | "gap" | Unfit;
};

export type Unfit = "fork" | "history" | "link" | "full";

/**
 * Its signature is one of its epoch's leader, and stands where that epoch's record lets it. One of two
 * chunks at one height is refused as long as their leader may be acked; of an older epoch it is stored,
 * for which of the two counts is what the next record says.
 */
export function admitChunk(durable: ValidatorDurable, chunk: LineChunk): Admission {
  if (findChunk(durable, chunk.ref.hash) !== null) return { evidence: null, verdict: "stored" };
  const rival = rivalOf(durable, chunk);
  const evidence = rival === null ? null : forkEvidence(rival.signed, chunk.signed);
  const isLed = chunk.signed.header.epoch >= durable.promised.epoch;
  return { evidence, verdict: evidence !== null && isLed ? "fork" : fitness(durable, chunk) };
}

/** Another chunk of the same leader at the same height, as far as headers are remembered. */
function rivalOf(
  { chunks, tip, givenUp }: ValidatorDurable,
  { ref, signed }: LineChunk,
): LineChunk | null {
  const { height, hash } = ref;
  const isRival = (one: LineChunk): boolean =>
    one.ref.height === height &&
    one.ref.hash !== hash &&
    one.signed.header.epoch === signed.header.epoch;
  if (tip !== null && isRival(tip.chunk)) return tip.chunk;
  // A plain loop, for it runs for every chunk.
  for (let i = chunks.length - 1; i >= 0; i--) {
    const one = chunks[i];
    if (one?.ref.height === height && isRival(one)) return one;
  }
  return givenUp.find(isRival) ?? null;
}

function fitness(durable: ValidatorDurable, { ref, signed }: LineChunk): Admission["verdict"] {
  const { head, base, chunks } = durable;
  const { header } = signed;
  if (!isOfHistory(header, head.record) || header.epoch > head.record.epoch) return "history";
  if (ref.height <= base.height) return "old";
  const end = endAt(durable, header.parent);
  if (end === null) return "gap";
  if (!followsLine(end, header)) return "link";
  const { start } = head.record;
  const first = (start.inherited?.height ?? -1) + 1;
  const opens = end.epoch !== header.epoch && header.epoch === head.record.epoch;
  if (opens && (ref.height !== first || header.firstOffset !== start.firstOffset)) return "link";
  return chunks.length >= LINE_CHUNKS_MAX ? "full" : "new";
}

/**
 * `lacks`: a chunk on the way is not stored. `behind`: the leader asks for less than what is certified or
 * was acked in this epoch. `start`: not on the line that the record continues. `certified`: leaves out
 * what is known to be certified. `acked`: leaves out what was acked in this epoch.
 */
export type AckDecision =
  | { readonly do: "ack"; readonly chunk: LineChunk; readonly isRepeat: boolean }
  | { readonly do: "wait"; readonly why: "lacks" | "behind" }
  | { readonly do: "refuse"; readonly why: "start" | "certified" | "acked" };

/** The record that the request names is the head, and the head's epoch is the promised one. */
export function decideAck(durable: ValidatorDurable, target: ChunkRef): AckDecision {
  const { base, head, lock } = durable;
  const tip = tipOfAck(durable.tip);
  const own = tip !== null && tip.ackEpoch === head.record.epoch ? tip : null;
  if (own !== null && durable.tip !== null && own.hash === target.hash) {
    return { do: "ack", chunk: durable.tip.chunk, isRepeat: true };
  }
  const isBehind = own !== null && compareTips({ ...target, ackEpoch: own.ackEpoch }, own) < 0;
  if (isBehind || target.height < base.height) return { do: "wait", why: "behind" };
  const line = lineTo(durable, target);
  // Before anything is refused: whoever sees the other line knows what to do about it.
  if (line === null) return { do: "wait", why: "lacks" };
  if (own !== null && own.height === target.height) return { do: "refuse", why: "acked" };
  const has = (height: number, hash: Hash32): boolean =>
    height <= base.height ? height < base.height || hash === base.hash : hasHash(line, hash);
  const { inherited } = head.record.start;
  if (inherited !== null) {
    if (target.height < inherited.height) return { do: "wait", why: "behind" };
    if (!has(inherited.height, inherited.hash)) return { do: "refuse", why: "start" };
  }
  if (lock !== null) {
    if (target.height < lock.chunk.height) return { do: "wait", why: "behind" };
    if (!has(lock.chunk.height, lock.chunk.hash)) return { do: "refuse", why: "certified" };
  }
  if (own !== null && !has(own.height, own.hash)) return { do: "refuse", why: "acked" };
  const chunk = line.at(-1) ?? findChunk(durable, target.hash);
  if (chunk === null) return { do: "wait", why: "lacks" };
  return { do: "ack", chunk, isRepeat: false };
}

function hasHash(line: readonly LineChunk[], hash: Hash32): boolean {
  return line.some(({ ref }) => ref.hash === hash);
}

/**
 * A promise is to one candidate of an epoch, and to no older epoch. Asked again by the same one, a
 * validator reports the same; in the epoch that it has joined there is nothing left to promise.
 */
export function decidePromise(
  { promised, head }: ValidatorDurable,
  epoch: Epoch,
  candidate: CandidateIndex,
): "promise" | "repeat" | "fenced" {
  if (epoch > promised.epoch) return "promise";
  const isSame = epoch === promised.epoch && candidate === promised.candidate;
  return isSame && epoch > head.record.epoch ? "repeat" : "fenced";
}
