/**
 * What candidates and validators say to each other.
 *
 * A message is a value; a transport that crosses machines brings its own bytes, for which the signed
 * parts have encodings in core. Nothing in a message is believed because of who sent it, except what
 * only slows its sender down: what it holds, and that it is there.
 */

import type { ChunkHeader } from "../core/chunk/header.ts";
import type { Ack } from "../core/consensus/ack.ts";
import type { Certificate } from "../core/consensus/certificate.ts";
import type {
  CommitCertificate,
  ProposalId,
  ProposalStatement,
} from "../core/consensus/commit-certificate.ts";
import type { SignedRecord } from "../core/consensus/epoch-chain.ts";
import type { Evidence } from "../core/consensus/evidence.ts";
import type { MemberSignature } from "../core/consensus/member-signature.ts";
import type { Report } from "../core/consensus/report.ts";
import type { SignedHeader } from "../core/consensus/signed-header.ts";
import type { Committee } from "../core/consensus/takeover.ts";
import type { CandidateIndex, ChunkRef, Epoch } from "../core/consensus/types.ts";
import type { Refusal } from "../core/consensus/validator-events.ts";
import type { Takeover } from "../core/consensus/validator-state.ts";
import type { Vote } from "../core/consensus/vote.ts";
import type { Hash32 } from "../core/types/hex.ts";

export type SentChunk = { readonly signed: SignedHeader; readonly payload: Uint8Array };

export type SentFeed = {
  readonly certificate: Certificate | null;
  readonly checkpoint: {
    readonly signed: SignedHeader;
    readonly certificate: Certificate;
  } | null;
  readonly chunks: readonly SentChunk[];
};

/** A certified chunk that a log may be begun with, where those before it are gone. */
export type Beginning = {
  readonly chunk: SentChunk;
  /** Those behind it, linked, up to the certified one. */
  readonly above: readonly ChunkHeader[];
  readonly certificate: Certificate;
};

/** A committee, and the certified proposal that asks for it. */
export type CertifiedChange = {
  readonly committee: Committee;
  readonly certificate: CommitCertificate;
};

/** From a leader or candidate to a validator. */
export type Request =
  | {
      readonly is: "propose";
      readonly epoch: Epoch;
      readonly recordHash: Hash32;
      readonly target: ChunkRef | null;
      readonly feed: SentFeed;
    }
  | {
      readonly is: "prepare";
      readonly epoch: Epoch;
      readonly recordHash: Hash32;
      readonly candidate: CandidateIndex;
      readonly votes: readonly Vote[];
    }
  | {
      readonly is: "sign";
      readonly takeovers: readonly Takeover[];
      readonly change: CertifiedChange | null;
      readonly feed: SentFeed;
    }
  | {
      /** The chunks after a certified one, up to `goal`, or to what is certified. */
      readonly is: "fetch";
      readonly after: { readonly height: number; readonly hash: Hash32 };
      readonly goal: ChunkRef | null;
    }
  | {
      /** With what a log may be begun beyond this certified chunk, which is the asker's newest. */
      readonly is: "want-beginning";
      readonly after: { readonly height: number; readonly hash: Hash32 };
      /** Also where the chunks behind it are kept. */
      readonly isAny: boolean;
    }
  | {
      readonly is: "proposal";
      readonly statement: ProposalStatement;
      readonly payload: Uint8Array;
      /** What the payload stands for, where it is a committee. */
      readonly committee: Committee | null;
    }
  /** Stand for an election at once: for this candidate, or for whoever's turn it is. */
  | { readonly is: "transfer"; readonly candidate: CandidateIndex | null };

/** From a validator to a leader or candidate. */
export type Answer =
  | { readonly is: "ack"; readonly ack: Ack }
  | { readonly is: "holds"; readonly through: number }
  | { readonly is: "fenced"; readonly epoch: Epoch }
  | { readonly is: "refused"; readonly why: Refusal }
  | { readonly is: "report"; readonly report: Report; readonly accepted: readonly Takeover[] }
  | {
      readonly is: "signed";
      readonly records: readonly Hash32[];
      /** As a member of the committee before; null for one that only joins. */
      readonly byPrevious: readonly MemberSignature[] | null;
      /** Of the last record, by one that joins with it. */
      readonly byJoining: MemberSignature | null;
    }
  | {
      readonly is: "chunks";
      readonly after: { readonly height: number; readonly hash: Hash32 };
      readonly goal: ChunkRef | null;
      readonly chunks: readonly SentChunk[];
      readonly certificate: Certificate | null;
    }
  | {
      readonly is: "beginning";
      readonly after: { readonly height: number; readonly hash: Hash32 };
      /** Null: there is none here, or the chunks behind that one are. */
      readonly beginning: Beginning | null;
    }
  | { readonly is: "elected"; readonly votes: readonly Vote[] }
  | {
      readonly is: "proposal-vote";
      readonly statement: ProposalStatement;
      readonly by: MemberSignature;
    }
  | { readonly is: "proposal-denied"; readonly id: ProposalId };

/** Between any two. */
export type Gossip =
  /** Among candidates: what the next epoch is to begin with, whoever leads it. */
  | { readonly is: "change"; readonly change: CertifiedChange }
  | { readonly is: "ask"; readonly vote: Vote; readonly isTransfer: boolean }
  | { readonly is: "vote"; readonly vote: Vote }
  | { readonly is: "denied"; readonly term: Epoch }
  | { readonly is: "election-heartbeat"; readonly term: Epoch }
  | { readonly is: "evidence"; readonly evidence: Evidence }
  /** Chunks that the sender gave up: does the receiver store others in their place? */
  | { readonly is: "given-up"; readonly headers: readonly SignedHeader[] }
  | { readonly is: "head"; readonly epoch: Epoch; readonly hash: Hash32 }
  | { readonly is: "want-records"; readonly after: Epoch }
  | { readonly is: "records"; readonly records: readonly SignedRecord[] };

export type Message = Request | Answer | Gossip;

type MessageOf = { readonly [M in Message as M["is"]]: M };

/** What one party makes of the kinds that concern it. */
export type Handlers = {
  readonly [K in keyof MessageOf]?: (from: string, message: MessageOf[K]) => unknown;
};

/** Hands a message to its handler, to the end; says whether there is one. */
export async function dispatch(
  handlers: Handlers,
  from: string,
  message: Message,
): Promise<boolean> {
  return await call(handlers, message.is, from, message);
}

async function call<K extends keyof MessageOf>(
  handlers: Handlers,
  kind: K,
  from: string,
  message: MessageOf[K],
): Promise<boolean> {
  const handler = handlers[kind];
  await handler?.(from, message);
  return handler !== undefined;
}
