/** What a validator is told and what it does: the vocabulary of `validator.ts` (C4, C6). */

import type { Hash32 } from "../types/hex.ts";
import type { AckStatement } from "./ack.ts";
import type { KnownRecord } from "./epoch-record.ts";
import type { Evidence } from "./evidence.ts";
import type { LineChunk } from "./line.ts";
import type { ReportStatement } from "./report.ts";
import type { Feed } from "./take-in.ts";
import type { Committee, Elders } from "./takeover.ts";
import type { CandidateIndex, ChunkRef, Epoch } from "./types.ts";
import type { Takeover, ValidatorRow } from "./validator-state.ts";

/** What a leader asks for with the chunks that it sends. */
export type Wish =
  | {
      readonly is: "ack";
      readonly epoch: Epoch;
      readonly recordHash: Hash32;
      /** Null: the chunks and the certificate are for catching up. */
      readonly target: ChunkRef | null;
    }
  | {
      readonly is: "sign";
      readonly takeovers: readonly Takeover[];
      /** The committee of a certified proposal. */
      readonly change: Committee | null;
      readonly elders: Elders;
    };

/** `from` is whom the answer goes to; it means nothing here. */
export type Offer = {
  readonly from: string;
  readonly feed: Feed;
  readonly wish: Wish;
  /** Verdicts are about the bytes of one offer: the same header may come with others. */
  readonly id: number;
  /** How many verdicts were asked for. */
  readonly asked: number;
  readonly checked: readonly Hash32[];
  readonly refused: readonly Hash32[];
};

export type ValidatorEvent =
  | { readonly is: "offer"; readonly from: string; readonly feed: Feed; readonly wish: Wish }
  | {
      readonly is: "checked";
      readonly offer: number;
      readonly hash: Hash32;
      readonly isValid: boolean;
    }
  | { readonly is: "written"; readonly write: number }
  | {
      /** A quorum of votes for this term and candidate was verified under the record. */
      readonly is: "prepare";
      readonly from: string;
      readonly recordHash: Hash32;
      readonly epoch: Epoch;
      readonly candidate: CandidateIndex;
    }
  | {
      /** Certified records that follow the newest one, in order. */
      readonly is: "records";
      readonly records: readonly KnownRecord[];
    }
  | { readonly is: "evidence"; readonly evidence: Evidence };

export type Refusal =
  | "mute"
  | "fork"
  | "history"
  | "link"
  | "full"
  | "payload"
  | "busy"
  | "start"
  | "certified"
  | "acked"
  | "record";

export type ValidatorEffect =
  | { readonly do: "write"; readonly write: number; readonly rows: readonly ValidatorRow[] }
  | { readonly do: "check"; readonly offer: number; readonly chunks: readonly LineChunk[] }
  | { readonly do: "ack"; readonly to: string; readonly statement: AckStatement }
  | {
      readonly do: "sign-records";
      readonly to: string;
      readonly records: readonly KnownRecord[];
      readonly previous: KnownRecord;
    }
  | {
      readonly do: "report";
      readonly to: string;
      readonly statement: ReportStatement;
      readonly accepted: readonly Takeover[];
    }
  | { readonly do: "holds"; readonly to: string; readonly through: number }
  /** The sender's records are older or newer than this one. */
  | { readonly do: "head"; readonly to: string; readonly epoch: Epoch; readonly hash: Hash32 }
  | { readonly do: "fenced"; readonly to: string; readonly epoch: Epoch }
  | { readonly do: "refuse"; readonly to: string; readonly why: Refusal }
  /** The leader of the newest record was heard. */
  | { readonly do: "alive" }
  | { readonly do: "accuse"; readonly evidence: Evidence }
  /** All that was given up: whoever stores another chunk in the place of one has proof of a fork. */
  | { readonly do: "give-up"; readonly chunks: readonly LineChunk[] };
