/** What a candidate and a conductor are made of, and what they answer. */

import { BROADCAST_RULES, type BroadcastRules } from "../core/consensus/broadcast-state.ts";
import type { Certificate } from "../core/consensus/certificate.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { PROPOSAL_RULES, type ProposalRules } from "../core/consensus/proposals.ts";
import { TRANSFER_RULES } from "../core/consensus/transfer.ts";
import type { TransferRules } from "../core/consensus/transfer-state.ts";
import type { AsyncSigner, ChunkRef, SignerIdentity } from "../core/consensus/types.ts";
import type { BeginningHooks } from "./beginnings.ts";
import type { CommitLog } from "./council.ts";
import type { EpochManager } from "./epoch-manager.ts";
import type { Metrics } from "./metrics.ts";
import type { PayloadCheck, PayloadType } from "./payload.ts";
import type { ConductorStore, PayloadStore, Place } from "./payload-store.ts";

export type ConductorRules = {
  readonly broadcast: Omit<BroadcastRules, "members" | "quorum">;
  readonly transfer: TransferRules;
  readonly proposals: ProposalRules;
  /** How long a commit waits for its certificate. */
  readonly commitMs: number;
  /** How long a transfer may take, and how long one member has to start it. */
  readonly handOverMs: number;
  readonly askMs: number;
  /** How often a conductor that does not lead looks for what is new. */
  readonly followMs: number;
};

export const CONDUCTOR_RULES: ConductorRules = {
  broadcast: BROADCAST_RULES,
  transfer: TRANSFER_RULES,
  proposals: PROPOSAL_RULES,
  commitMs: 10_000,
  handOverMs: 60_000,
  askMs: 1_000,
  followMs: 1_000,
};

export type CandidateOptions = {
  readonly manager: EpochManager;
  readonly store: PayloadStore;
  readonly log: CommitLog;
  /** Its key is a candidate's; it signs nothing here but proves who this is. */
  readonly signer: SignerIdentity;
  readonly rules: ConductorRules;
  readonly metrics: Metrics;
  /** Where a payload of these bytes stands, for chunks that come from others. */
  readonly placeOf: (bytes: Uint8Array) => Place | null;
  readonly checkPayload: PayloadCheck;
  /**
   * Writes the chunk that opens this epoch (C6) and announces it like every other one. Called once in
   * an epoch after 0, when everything before it is certified; may take its time, or never end.
   */
  readonly open: (known: KnownRecord) => Promise<void>;
  /** Lowest height whose payload its owner still needs; absent: none. */
  readonly retain?: () => number;
  /** What its owner begins with where the first chunks are gone; absent: with the first chunk or never. */
  readonly begin?: BeginningHooks;
};

/** None of them waits for anything; each may be called in the turn of any call into the candidate. */
export type CandidateEvents = {
  /** The log up to this chunk is certified, durably. */
  readonly certified: (certificate: Certificate) => void;
  /** The epoch is open: whoever owns the log may order. */
  readonly serving: () => void;
  /** This one leads no more: from this call on nothing may be ordered or appended. */
  readonly ended: () => void;
  /** A store failed, or a bug showed: the candidate has stopped for good. */
  readonly failed: (error: unknown) => void;
  /** A newer epoch is known. */
  readonly records: () => void;
};

export type ConductorOptions<P> = {
  readonly type: PayloadType<P>;
  readonly manager: EpochManager;
  readonly store: ConductorStore;
  readonly log: CommitLog;
  /** Its key is a candidate's. */
  readonly signer: AsyncSigner;
  readonly rules: ConductorRules;
  readonly metrics: Metrics;
  /** The payload that the first one follows; null: the first has height 0. */
  readonly genesis: Place | null;
};

export type Committed = {
  readonly certificate: Certificate;
  /** Of the payload's own chunk; the certificate's may be a later one. */
  readonly chunk: ChunkRef;
};

export type Level = "accepted" | "certified";

export type Latest<P> = { readonly payload: P; readonly chunk: ChunkRef };

export type Health = {
  readonly isLeader: boolean;
  readonly isServing: boolean;
  readonly epoch: number;
  readonly acceptedHeight: number;
  readonly certifiedHeight: number;
  readonly uncertifiedEvents: number;
  /** Since the log last grew by a certificate here; null before it did. */
  readonly headAgeMs: number | null;
  /** Members that answered lately; null where this one does not lead. */
  readonly reachable: number | null;
  readonly quorum: number;
};
