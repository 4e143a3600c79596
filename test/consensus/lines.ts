/** Records, chunks, acks and reports for step functions: linked and numbered as they must be, not signed. */

import type { Certificate } from "../../src/core/consensus/certificate.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import {
  EMPTY_LINE,
  firstOffsetAfter,
  type LineChunk,
  lineChunk,
  lineEnd,
} from "../../src/core/consensus/line.ts";
import type { Report } from "../../src/core/consensus/report.ts";
import { justifiedRecord } from "../../src/core/consensus/takeover.ts";
import { candidateIndex, epoch, memberIndex } from "../../src/core/consensus/types.ts";
import type { Takeover, ValidatorDurable } from "../../src/core/consensus/validator-state.ts";
import { must } from "../../src/core/types/assert.ts";
import { hashFromBytes } from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";
import { recordOf, signersOf } from "../support/committee.ts";

export const MEMBERS = signersOf("ed25519", [1, 2, 3, 4]);
export const GENESIS: KnownRecord = knownRecord(recordOf(MEMBERS));

export function keyOf(member: number): Uint8Array {
  return must(MEMBERS[member], "there is such a member").publicKey;
}

/** The chunk of `known`'s leader after `parent`; `variant` makes another one in the same place. */
export function chunkIn(known: KnownRecord, parent: LineChunk | null, variant = 0): LineChunk {
  const end = parent === null ? EMPTY_LINE : lineEnd(parent.signed.header, parent.ref.hash);
  const { chainId, app, era } = known.record;
  const first = firstOffsetAfter(end, known.record.epoch);
  const header = {
    ...{ chainId, app, era, epoch: known.record.epoch, height: end.height + 1, parent: end.hash },
    ...{ root: hashFromBytes(new Uint8Array(32).fill(variant)), eventCount: 1 },
    ...{ firstOffset: first, nextOffset: offset(first + 1) },
  };
  return lineChunk({ header, scheme: "p256", signature: new Uint8Array(64) });
}

/** `count` chunks of one epoch, one after the other. */
export function lineIn(
  known: KnownRecord,
  count: number,
  after: LineChunk | null = null,
): readonly LineChunk[] {
  const line: LineChunk[] = [];
  for (let i = 0; i < count; i++) line.push(chunkIn(known, line.at(-1) ?? after));
  return line;
}

export function certificateOf(known: KnownRecord, chunk: LineChunk): Certificate {
  const signatures = { scheme: "ed25519", members: 4, signers: [], signatures: [] } as const;
  return { epoch: known.record.epoch, recordHash: known.hash, chunk: chunk.ref, signatures };
}

/** What a member reports to `candidate` for `promised`. */
export function reportBy(
  member: number,
  head: KnownRecord,
  promised: number,
  candidate: number,
  tip: { readonly ackEpoch: number; readonly chunk: LineChunk } | null,
): Report {
  const { chainId, app } = head.record;
  return {
    statement: {
      ...{ chainId, app, recordHash: head.hash, promisedEpoch: epoch(promised) },
      candidate: candidateIndex(candidate),
      tip: tip === null ? null : { ackEpoch: epoch(tip.ackEpoch), header: tip.chunk.signed },
    },
    by: { member: memberIndex(member), scheme: "ed25519", signature: new Uint8Array(64) },
  };
}

/** The takeover that these reports justify, after `previous`. */
export function takeoverBy(
  previous: KnownRecord,
  at: number,
  candidate: number,
  reports: readonly Report[],
): Takeover {
  const leader = must(previous.record.candidates[candidate], "there is such a candidate");
  const plan = { previous, epoch: epoch(at), leader, reports, committee: null };
  return { known: justifiedRecord(plan), reports };
}

/** The heights that are stored. */
export function storedHeights({ chunks }: ValidatorDurable): readonly number[] {
  return chunks.map(({ ref }) => ref.height);
}
