/** What a leader remembers of its broadcast, what it is told and what it does (C2, C6). */

import { FLOW_RULES, type Flow, type FlowRules, type Page } from "./flow.ts";
import type { SignedByMember } from "./multi-signature.ts";
import type { ChunkRef, Epoch, MemberIndex } from "./types.ts";

export type BroadcastRules = FlowRules & {
  readonly members: number;
  readonly quorum: number;
  /** C2: from the start of one round to the start of the next, while nobody waits for a certificate. */
  readonly roundGapMs: number;
  /** The same while somebody does, or so many events wait: what a lost leader takes with it is bounded. */
  readonly wantedGapMs: number;
  readonly wantedEvents: number;
  /** C8: a peer that heard nothing for this long hears a heartbeat. */
  readonly heartbeatMs: number;
  /** Certified chunks whose payload is kept at least; at most twice as many are. */
  readonly retainChunks: number;
  /**
   * A leader that no quorum answers for this long grows quiet, for it may be heard and not hear: then it
   * speaks to each peer no more often than `quietMs`, which leaves the members time to elect another one.
   */
  readonly quorumLostMs: number;
  readonly quietMs: number;
};

export const BROADCAST_RULES: Omit<BroadcastRules, "members" | "quorum"> = {
  ...FLOW_RULES,
  roundGapMs: 500,
  wantedGapMs: 20,
  wantedEvents: 256,
  heartbeatMs: 1_000,
  retainChunks: 4_096,
  quorumLostMs: 10_000,
  quietMs: 12_000,
};

export type TailChunk = ChunkRef & { readonly events: number };

export type BroadcastState = {
  readonly rules: BroadcastRules;
  readonly epoch: Epoch;
  /** The newest certified chunk; null while the log has none. */
  readonly certified: ChunkRef | null;
  /** Chunks beyond it, linked, in order. */
  readonly tail: readonly TailChunk[];
  readonly round: { readonly target: ChunkRef; readonly acks: readonly SignedByMember[] } | null;
  readonly roundStartedMs: number | null;
  /** Somebody waits for the certificate of this height; -1: nobody ever did. */
  readonly wantedThrough: number;
  /** One for each member, in order; and when each answered last. */
  readonly flows: readonly Flow[];
  readonly heardMs: readonly number[];
  /** Payloads up to this certified chunk are gone; whoever lacks them starts from it. */
  readonly checkpoint: ChunkRef | null;
  readonly nextCheckpoint: ChunkRef | null;
  /** The epoch that ended this one. */
  readonly fencedBy: Epoch | null;
};

export type BroadcastEvent = { readonly nowMs: number } & (
  | { readonly is: "tick" }
  | { readonly is: "appended"; readonly chunks: readonly TailChunk[] }
  /** Somebody waits until this height is certified. */
  | { readonly is: "wanted"; readonly through: number }
  /** Payloads up to this checkpoint are going: `prune` was acted on. */
  | { readonly is: "pruned"; readonly through: ChunkRef }
  | { readonly is: "acked"; readonly chunk: ChunkRef; readonly by: SignedByMember }
  | { readonly is: "holds"; readonly member: MemberIndex; readonly through: number }
  /** A member that was away is back: it may be written to at once. */
  | { readonly is: "seen"; readonly member: MemberIndex }
  | { readonly is: "fenced"; readonly epoch: Epoch }
);

export type BroadcastEffect =
  | {
      /** The chunks of the page, the newest certificate, and the checkpoint where one is named. */
      readonly do: "propose";
      readonly to: MemberIndex;
      readonly page: Page;
      readonly checkpoint: ChunkRef | null;
      /** Null: the peer only catches up. */
      readonly target: ChunkRef | null;
    }
  | { readonly do: "heartbeat"; readonly to: MemberIndex }
  | {
      readonly do: "certify";
      readonly chunk: ChunkRef;
      readonly acks: readonly SignedByMember[];
    }
  /** Payloads up to here may go; they stay until `pruned` says otherwise. */
  | { readonly do: "prune"; readonly through: ChunkRef }
  | { readonly do: "step-down"; readonly epoch: Epoch };

export type BroadcastStep = {
  readonly state: BroadcastState;
  readonly effects: readonly BroadcastEffect[];
};
