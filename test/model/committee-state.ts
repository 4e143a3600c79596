/** States of the machine of leader changes: what they hold, how they are told apart, and how they change. */

import type { EpochRecord, KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { EMPTY_LINE, type LineChunk, lineChunk } from "../../src/core/consensus/line.ts";
import type { Report } from "../../src/core/consensus/report.ts";
import {
  candidateIndex,
  epoch,
  memberIndex,
  OFFSETS_PER_EPOCH,
} from "../../src/core/consensus/types.ts";
import {
  type AckedTip,
  findChunk,
  type ValidatorDurable,
  type ValidatorRow,
} from "../../src/core/consensus/validator-state.ts";
import { type Hash32, hash32 } from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";
import { APP, CHAIN_ID, ERA } from "../support/committee.ts";

export type CommitteeRules = {
  readonly quorum: (validators: number) => number;
  /** What a report says of the tip. */
  readonly reported: (tip: AckedTip | null) => AckedTip | null;
  /** Whether a promise survives a crash. */
  readonly keepsPromises: boolean;
  /** Whether a record that a reporter signed is continued. */
  readonly continuesAccepted: boolean;
  /** Whether a leader posts to L1 only what is certified. */
  readonly certifiesFirst: boolean;
};

/** One candidate's attempt at one epoch. */
export type Attempt = {
  readonly epoch: number;
  readonly candidate: number;
  readonly reports: readonly (ReportOf | null)[];
  readonly record: KnownRecord | null;
  /** Hash of the record before it. */
  readonly previous: Hash32;
  readonly signed: readonly boolean[];
  readonly chunks: readonly LineChunk[];
  readonly hasPosted: boolean;
};

export type ReportOf = {
  readonly tip: AckedTip | null;
  readonly head: KnownRecord;
  /** The last record that the reporter signed, else its head. */
  readonly newest: KnownRecord;
};

export type CommitteeState = {
  readonly validators: readonly ValidatorDurable[];
  readonly attempts: readonly Attempt[];
  /** By record and chunk: who acked. */
  readonly acks: ReadonlyMap<string, readonly number[]>;
  readonly posted: readonly LineChunk[];
};

/** The part of a hash that tells it apart here. */
export const short = (hash: Hash32): string => hash.slice(2, 18);

/** Every record and chunk that a search ever made: the same one for the same name, whatever path led to it. */
export class Ledger {
  readonly quorum: number;
  /** Every chunk that was ever made, for walking down a line. */
  readonly #chunks = new Map<Hash32, LineChunk>();
  readonly #made = new Map<string, LineChunk>();
  readonly #shorts = new Map<string, LineChunk>();
  readonly #records = new Map<Hash32, KnownRecord>();
  readonly #named = new Map<string, KnownRecord>();

  constructor(quorum: number) {
    this.quorum = quorum;
  }

  /** The one record that starts there, with a hash that tells it apart. */
  record(
    at: number,
    candidate: number,
    previous: Hash32,
    start: EpochRecord["start"],
  ): KnownRecord {
    const name = [at, candidate, previous, start.inherited?.hash].join();
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const record: EpochRecord = {
      ...{ chainId: CHAIN_ID, app: APP, era: ERA, epoch: epoch(at), previous, scheme: "p256" },
      ...{ quorum: this.quorum, members: [], candidates: [] },
      ...{ leader: candidateIndex(candidate), start },
    };
    const hash = hash32(
      `0x${String(this.#named.size + 1)
        .padStart(16, "0")
        .padEnd(64, "0")}`,
    );
    const made = { record, hash };
    this.#named.set(name, made);
    this.#records.set(hash, made);
    return made;
  }

  /** The next chunk of an attempt: told apart by its leader and its parent. */
  chunk({ epoch: at, candidate }: Attempt, parent: LineChunk | null): LineChunk {
    const place = parent === null ? 0 : parent.ref.height + 1;
    const name = [at, candidate, parent?.ref.hash].join();
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const first = offset(1 + place + at * OFFSETS_PER_EPOCH);
    const header = {
      ...{ chainId: CHAIN_ID, app: APP, era: ERA, epoch: at, height: place },
      ...{ parent: parent?.ref.hash ?? EMPTY_LINE.hash, eventCount: 1, firstOffset: first },
      ...{
        root: hash32(`0x${String(candidate).padStart(64, "0")}`),
        nextOffset: offset(first + 1),
      },
    };
    const made = lineChunk({ header, scheme: "p256", signature: new Uint8Array(0) });
    this.#made.set(name, made);
    this.#chunks.set(made.ref.hash, made);
    this.#shorts.set(short(made.ref.hash), made);
    return made;
  }

  /** A chunk by the part of its hash that tells it apart. */
  named(name: string): LineChunk | undefined {
    return this.#shorts.get(name);
  }

  /** The records from `head`, without it, to `known`; null when that is not on its chain. */
  suffix(head: KnownRecord, known: KnownRecord): readonly KnownRecord[] | null {
    const suffix: KnownRecord[] = [];
    let at: KnownRecord | undefined = known;
    while (at !== undefined && at.hash !== head.hash) {
      suffix.unshift(at);
      at = this.#records.get(at.record.previous);
    }
    return at === undefined ? null : suffix;
  }

  /** Chunks from the first one to this, both included. */
  lineTo(hash: Hash32 | null): readonly LineChunk[] {
    const line: LineChunk[] = [];
    let at = hash === null ? undefined : this.#chunks.get(hash);
    while (at !== undefined) {
      line.unshift(at);
      at = this.#chunks.get(at.signed.header.parent);
    }
    return line;
  }
}

/** One text for states that differ in nothing but who is who among the validators. */
export function keyOf(state: CommitteeState): string {
  const tipOf = (tip: AckedTip | null): string =>
    tip === null ? "-" : `${tip.ackEpoch}:${short(tip.chunk.ref.hash)}`;
  const shown = state.validators.map((one, v) =>
    [
      short(one.head.hash),
      `${one.promised.epoch}.${one.promised.candidate}`,
      tipOf(one.tip),
      one.accepted.map(({ known }) => short(known.hash)).join(),
      one.chunks
        .map(({ ref }) => short(ref.hash))
        .sort()
        .join(),
      ...state.attempts.map(({ reports, signed }) => {
        const report = reports[v] ?? null;
        const said = report === null ? "" : `${tipOf(report.tip)}${short(report.newest.hash)}`;
        return `${said}/${Number(signed[v])}`;
      }),
      [...state.acks]
        .filter(([, who]) => who.includes(v))
        .map(([key]) => key)
        .sort()
        .join(),
    ].join(";"),
  );
  const attempts = state.attempts.map(
    ({ epoch: at, candidate, record, chunks, hasPosted }) =>
      `${at}.${candidate}:${record === null ? "" : short(record.hash)}:${chunks.length}:${Number(hasPosted)}`,
  );
  // Validators are interchangeable: which of them did something does not matter.
  return `${shown.sort().join("|")}#${attempts.join("|")}#${state.posted.map(({ ref }) => short(ref.hash)).join()}`;
}

export function attemptOf(at: number, candidate: number, validators: number): Attempt {
  const nobody = Array.from({ length: validators }, () => null);
  return {
    ...{ epoch: at, candidate, reports: nobody, record: null, previous: EMPTY_LINE.hash },
    ...{ signed: nobody.map(() => false), chunks: [], hasPosted: false },
  };
}

/** Chunks that a quorum acked under one record, whether or not anybody put that together. */
export function certifiedIn(state: CommitteeState, ledger: Ledger): readonly LineChunk[] {
  return [...state.acks].flatMap(([key, who]) => {
    const chunk = ledger.named(key.split(">")[1] ?? "");
    return who.length < ledger.quorum || chunk === undefined ? [] : [chunk];
  });
}

export function isRecordCertified(
  { attempts }: CommitteeState,
  quorum: number,
  { hash }: KnownRecord,
): boolean {
  const attempt = attempts.find(({ record }) => record?.hash === hash);
  return (attempt?.signed.filter((signed) => signed).length ?? 0) >= quorum;
}

/** What must never be; null when nothing is wrong. */
export function brokenIn(state: CommitteeState, ledger: Ledger): string | null {
  const certified = certifiedIn(state, ledger);
  const areOnOneLine = (a: LineChunk, b: LineChunk): boolean => {
    const [low, high] = a.ref.height <= b.ref.height ? [a, b] : [b, a];
    return ledger.lineTo(high.ref.hash).some(({ ref }) => ref.hash === low.ref.hash);
  };
  for (const a of certified) {
    if (!certified.every((b) => areOnOneLine(a, b))) return "two certified chunks on two lines";
    if (!state.posted.every((b) => areOnOneLine(a, b))) return "posted and not on the line";
  }
  const records = state.attempts.flatMap(({ record }) =>
    record !== null && isRecordCertified(state, ledger.quorum, record) ? [record] : [],
  );
  const followers = records.map(({ record }) => record.previous);
  return new Set(followers).size < followers.length ? "two certified records after one" : null;
}

export type Reach = (action: string, next: CommitteeState) => void;

export function reportOf(tip: AckedTip | null): Report {
  const statement = {
    ...{ chainId: CHAIN_ID, app: APP, recordHash: EMPTY_LINE.hash, promisedEpoch: epoch(0) },
    candidate: candidateIndex(0),
    tip: tip === null ? null : { ackEpoch: tip.ackEpoch, header: tip.chunk.signed },
  };
  const by = { member: memberIndex(0), scheme: "p256", signature: new Uint8Array(0) } as const;
  return { statement, by };
}

export function fresh(one: ValidatorDurable, line: readonly LineChunk[]): readonly ValidatorRow[] {
  return line
    .filter(({ ref }) => findChunk(one, ref.hash) === null)
    .map((chunk) => ({ row: "chunk", chunk }));
}

export function replaced<T>(all: readonly T[], at: number, one: T): readonly T[] {
  return all.map((old, i) => (i === at ? one : old));
}

export function withValidator(
  state: CommitteeState,
  v: number,
  one: ValidatorDurable,
): CommitteeState {
  return { ...state, validators: replaced(state.validators, v, one) };
}

export function withAttempt(state: CommitteeState, i: number, attempt: Attempt): CommitteeState {
  if (i !== -1) return { ...state, attempts: replaced(state.attempts, i, attempt) };
  const attempts = [...state.attempts, attempt].sort(
    (a, b) => a.epoch - b.epoch || a.candidate - b.candidate,
  );
  return { ...state, attempts };
}
