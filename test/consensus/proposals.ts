/** Proposals of one leader, whose disk answers at once and whose members vote when they are told to. */

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { Untimed } from "../../src/consensus/clock.ts";
import {
  type CommitCertificate,
  commitCertificate,
  type ProposalStatement,
} from "../../src/core/consensus/commit-certificate.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import {
  type CommitEntry,
  PROPOSAL_RULES,
  type ProposalRules,
  type ProposalsEffect,
  type ProposalsEvent,
  type ProposalsState,
  startProposals,
  stepProposals,
} from "../../src/core/consensus/proposals.ts";
import { memberIndex } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { type Hash32, hashFromBytes } from "../../src/core/types/hex.ts";
import { schemes } from "../../src/crypto/schemes/registry.ts";
import { recordOf, signersOf } from "../support/committee.ts";

export function digestOf(text: string): Hash32 {
  return hashFromBytes(sha256(utf8ToBytes(text)));
}

export class Proposals {
  state: ProposalsState;
  nowMs = 0;
  readonly known: KnownRecord;
  readonly committed: CommitEntry[] = [];
  readonly others: ProposalsEffect[] = [];
  readonly #sent: ProposalStatement[] = [];
  /** Writes wait for `release` while it is set. */
  holdsWrites = false;
  readonly held: number[] = [];

  constructor(members: number, rules: Partial<ProposalRules> = {}) {
    const seeds = Array.from({ length: members }, (_, i) => i + 1);
    this.known = knownRecord(recordOf(signersOf("ed25519", seeds)));
    this.state = startProposals({
      rules: { ...PROPOSAL_RULES, ...rules },
      head: this.known,
      ...{ nextSequence: 1, log: [], evicted: null },
    });
  }

  /** What was sent to the members; null when nothing was. */
  propose(text: string): ProposalStatement {
    const before = this.#sent.length;
    this.step({ is: "propose", digest: digestOf(text), ttlMs: null });
    return must(this.#sent[before], "a proposal is sent");
  }

  vote(statement: ProposalStatement, members: readonly number[]): void {
    for (const at of members) {
      const signature = new Uint8Array(64).fill(at);
      this.step({ is: "vote", statement, by: { member: memberIndex(at), signature } });
    }
  }

  deny({ id }: ProposalStatement, members: readonly number[]): void {
    for (const at of members) this.step({ is: "deny", id, member: memberIndex(at) });
  }

  certificateOf(entry: CommitEntry | undefined): CommitCertificate | null {
    if (entry === undefined) return null;
    return commitCertificate(entry.statement, entry.votes, this.known, schemes.ed25519);
  }

  step(event: Untimed<ProposalsEvent>): void {
    const { state, effects } = stepProposals(this.state, { ...event, nowMs: this.nowMs });
    this.state = state;
    for (const effect of effects) this.#perform(effect);
  }

  release(): void {
    this.holdsWrites = false;
    for (const write of this.held.splice(0)) this.step({ is: "written", write });
  }

  #perform(effect: ProposalsEffect): void {
    switch (effect.do) {
      case "write":
        if (this.holdsWrites) this.held.push(effect.write);
        else this.step({ is: "written", write: effect.write });
        return;
      case "broadcast":
        this.#sent.push(effect.statement);
        return;
      case "committed":
        this.committed.push(effect.entry);
        return;
      default:
        this.others.push(effect);
    }
  }
}
