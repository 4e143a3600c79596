/** What a candidate remembers while it takes over, what it is told and what it does: see `transfer.ts` (C6). */

import type { KnownRecord, Member } from "./epoch-record.ts";
import type { Flow, FlowRules, Page } from "./flow.ts";
import type { SignedByMember } from "./multi-signature.ts";
import type { Report } from "./report.ts";
import type { Committee } from "./takeover.ts";
import type { CandidateIndex, ChunkRef, Epoch, MemberIndex } from "./types.ts";
import type { Takeover } from "./validator-state.ts";

export type TransferRules = FlowRules & {
  /** From the election to the certified record. */
  readonly takeoverMs: number;
};

type Job = {
  readonly rules: TransferRules;
  /** The newest certified record, whose members are asked. */
  readonly head: KnownRecord;
  readonly epoch: Epoch;
  /** This candidate, in the head's list. */
  readonly candidate: CandidateIndex;
  /** The committee of a certified proposal; null: it stays. */
  readonly change: Committee | null;
  /** The head's members in their order, then those who join. */
  readonly peers: readonly Member[];
  readonly endsMs: number;
  readonly flows: readonly Flow[];
  readonly reports: readonly Report[];
  /** Records beyond the head that a reporter signed, linked. */
  readonly accepted: readonly Takeover[];
};

/** The records to be signed, the own one last, and the chunk that it inherits. */
type Plan = { readonly takeovers: readonly Takeover[]; readonly goal: ChunkRef | null };

export type TransferState =
  | { readonly phase: "idle" }
  | (Job & { readonly phase: "collecting" })
  | (Job & Plan & { readonly phase: "recovering" })
  | (Job & Plan & { readonly phase: "recording" })
  | (Job &
      Plan & {
        readonly phase: "signing";
        /** For each record, by members of the head. */
        readonly signatures: readonly (readonly SignedByMember[])[];
        /** Of the last record, by its own indices. */
        readonly joined: readonly SignedByMember[];
        /** Peers that signed. */
        readonly answered: readonly number[];
      });

/** A peer is an index into `peers`. */
export type TransferEvent = { readonly nowMs: number } & (
  | { readonly is: "tick" }
  | {
      /** A quorum of votes for this term and candidate was verified under the head. */
      readonly is: "elected";
      readonly rules: TransferRules;
      readonly head: KnownRecord;
      readonly term: Epoch;
      readonly candidate: CandidateIndex;
      readonly change: Committee | null;
    }
  | {
      readonly is: "reported";
      readonly report: Report;
      readonly accepted: readonly Takeover[];
    }
  | { readonly is: "fenced"; readonly epoch: Epoch }
  /** The inherited line is stored here, and everything else beyond it given up. */
  | { readonly is: "recovered" }
  /** None of the holders gave it. */
  | { readonly is: "lost" }
  | { readonly is: "written" }
  | { readonly is: "holds"; readonly peer: number; readonly through: number }
  | {
      readonly is: "signed";
      readonly peer: number;
      /** In the head; null for one that only joins. */
      readonly member: MemberIndex | null;
      /** One for each record. */
      readonly byPrevious: readonly Uint8Array[];
      readonly byJoining: SignedByMember | null;
    }
);

export type TransferEffect =
  | { readonly do: "prepare"; readonly to: number }
  | {
      /** Null: nothing is inherited, and the log is empty. */
      readonly do: "recover";
      readonly goal: ChunkRef | null;
      readonly holders: readonly MemberIndex[];
    }
  | { readonly do: "write"; readonly takeovers: readonly Takeover[] }
  | {
      readonly do: "sign";
      readonly to: number;
      readonly page: Page;
      readonly takeovers: readonly Takeover[];
      readonly change: Committee | null;
    }
  | { readonly do: "opened"; readonly opening: Opening }
  | { readonly do: "failed"; readonly why: "timeout" | "fenced" | "lost" };

/** Everything for the signed records of the new epoch and of those before it that were not certified. */
export type Opening = {
  readonly epoch: Epoch;
  readonly takeovers: readonly Takeover[];
  readonly signatures: readonly (readonly SignedByMember[])[];
  readonly joined: readonly SignedByMember[];
  readonly reports: readonly Report[];
};

export type TransferStep = {
  readonly state: TransferState;
  readonly effects: readonly TransferEffect[];
};
