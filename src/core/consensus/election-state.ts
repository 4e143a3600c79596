/** What a member remembers of elections, what it is told and what it does: see `election.ts` (C8). */

import type { ElectionRules } from "./election-rules.ts";
import type { KnownRecord } from "./epoch-record.ts";
import type { CandidateIndex, Epoch, MemberIndex, Tip } from "./types.ts";
import type { VoteStatement } from "./vote.ts";

export type Role = "follower" | "candidate" | "leader";

/** What must survive a crash: it is written before a vote leaves. */
export type ElectionDurable = { readonly term: Epoch; readonly vote: VoteStatement | null };

export type ElectionState = {
  readonly rules: ElectionRules;
  readonly durable: ElectionDurable;
  /** The newest record, whose members vote; null when it does not list this member. */
  readonly head: KnownRecord;
  readonly self: MemberIndex | null;
  readonly role: Role;
  /** Stands or leads at somebody's wish, though the leader of the epoch may speak on. */
  readonly isTransfer: boolean;
  /** Members whose vote for the own asking is verified, oneself among them once that is durable. */
  readonly votes: readonly MemberIndex[];
  /** Timeout of a follower or candidate; of a leader, the end of the takeover. */
  readonly deadlineMs: number;
  readonly heartbeatDueMs: number;
  /** When the leader of the newest record was heard last; null before. */
  readonly heardMs: number | null;
  /** What waits for the write of the vote. */
  readonly waiting: readonly {
    readonly write: number;
    readonly replies: readonly ElectionEffect[];
  }[];
  readonly nextWrite: number;
};

/** `unit` is uniform in [0, 1): the only randomness, drawn anew for each event. */
export type ElectionEvent = { readonly nowMs: number; readonly unit: number } & (
  | { readonly is: "tick"; readonly tip: Tip | null }
  /** The leader of the newest record spoke: a chunk or a heartbeat. */
  | { readonly is: "heard" }
  /** The candidate of this epoch asked for a promise or a signature. */
  | { readonly is: "courted"; readonly epoch: Epoch }
  /** The leader of the newest record was shown to have forked its log. */
  | { readonly is: "distrusted" }
  | { readonly is: "record"; readonly head: KnownRecord; readonly self: MemberIndex | null }
  /** An operator, or a leader that steps down, wants this candidate, or any other one. */
  | {
      readonly is: "transfer";
      readonly candidate: CandidateIndex | null;
      readonly tip: Tip | null;
    }
  | {
      readonly is: "asked";
      readonly ask: VoteStatement;
      readonly isTransfer: boolean;
      readonly tip: Tip | null;
    }
  /** A verified vote for what this member asked. */
  | { readonly is: "voted"; readonly statement: VoteStatement; readonly by: MemberIndex }
  | { readonly is: "denied"; readonly term: Epoch }
  /** The leader of an election, not of an epoch. */
  | { readonly is: "heartbeat"; readonly term: Epoch; readonly from: MemberIndex }
  | { readonly is: "written"; readonly write: number }
);

export type ElectionEffect =
  | { readonly do: "write"; readonly write: number; readonly durable: ElectionDurable }
  /** Sign it once, keep the signature, and send it: to all others as the question. */
  | { readonly do: "ask"; readonly statement: VoteStatement; readonly isTransfer: boolean }
  | { readonly do: "vote"; readonly to: MemberIndex; readonly statement: VoteStatement }
  | { readonly do: "deny"; readonly to: MemberIndex; readonly term: Epoch }
  | { readonly do: "heartbeat"; readonly term: Epoch }
  /** The own votes elect this candidate: tell it, again at each heartbeat. */
  | { readonly do: "elect"; readonly statement: VoteStatement }
  | { readonly do: "role"; readonly from: Role; readonly to: Role };

export type ElectionStep = {
  readonly state: ElectionState;
  readonly effects: readonly ElectionEffect[];
};
