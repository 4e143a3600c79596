/** A validator's votes for proposals: the leader's, in its term, and one payload under each number (C8). */

import { sha256 } from "@noble/hashes/sha2.js";
import { proposalPreimage } from "../core/consensus/commit-certificate.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { committeeDigest, doQuorumsMeet } from "../core/consensus/takeover.ts";
import { memberOf } from "../core/consensus/validator-state.ts";
import { hashFromBytes } from "../core/types/hex.ts";
import type { Answer, Request } from "./messages.ts";
import type { SignatureBook } from "./signature-book.ts";
import { VOTED_MAX, type VotedProposal } from "./validator-store.ts";

export class ProposalVoter {
  readonly #book: SignatureBook;
  readonly #keep: (voted: VotedProposal) => Promise<boolean>;
  #voted: readonly VotedProposal[];

  /** `keep` makes a vote durable, and says whether it did: it binds before it is sent. */
  constructor(
    book: SignatureBook,
    voted: readonly VotedProposal[],
    keep: (voted: VotedProposal) => Promise<boolean>,
  ) {
    this.#book = book;
    this.#voted = voted;
    this.#keep = keep;
  }

  /** Null: nothing is said. */
  async answer(head: KnownRecord, promised: number, proposal: Proposal): Promise<Answer | null> {
    const decision = voteOnProposal({ head, promised, voted: this.#voted }, proposal);
    const member = memberOf(head.record, this.#book.publicKey);
    if (decision.do === "ignore" || member === null) return null;
    const { statement } = proposal;
    if (decision.do === "deny") return { is: "proposal-denied", id: statement.id };
    if (decision.voted !== null) {
      this.#voted = [...this.#voted, decision.voted].slice(-VOTED_MAX);
      if (!(await this.#keep(decision.voted))) return null;
    }
    const signature = await this.#book.sign("proposal", decision.message);
    const { scheme } = this.#book;
    return { is: "proposal-vote", statement, by: { member, scheme, signature } };
  }
}

type Proposal = Request & { readonly is: "proposal" };

type Voter = {
  readonly head: KnownRecord;
  readonly promised: number;
  readonly voted: readonly VotedProposal[];
};

/** `voted`: what must be durable before the vote leaves; null when it is. */
type ProposalDecision =
  | { readonly do: "ignore" }
  | { readonly do: "deny" }
  | { readonly do: "vote"; readonly voted: VotedProposal | null; readonly message: Uint8Array };

/** Of an older term, or of another record, it is dropped: no answer could count. */
function voteOnProposal(
  { head, promised, voted }: Voter,
  { statement, payload, committee }: Proposal,
): ProposalDecision {
  const { record, hash } = head;
  const { id, digest } = statement;
  const isOfTerm =
    statement.recordHash === hash &&
    statement.chainId === record.chainId &&
    statement.app === record.app &&
    id.term === record.epoch &&
    id.term === promised;
  if (!isOfTerm) return { do: "ignore" };
  if (id.origin !== record.leader) return { do: "deny" };
  const own = voted.filter(({ term }) => term === id.term);
  const before = own.find(({ sequence }) => sequence === id.sequence);
  if (before !== undefined && before.digest !== digest) return { do: "deny" };
  // What was voted for longer ago than is remembered must not be voted for again.
  const oldest = own.length < VOTED_MAX ? 0 : (own[0]?.sequence ?? 0);
  if (before === undefined && id.sequence <= oldest) return { do: "deny" };
  const isSound =
    committee === null
      ? hashFromBytes(sha256(payload)) === digest
      : committeeDigest(committee) === digest && doQuorumsMeet(record, committee);
  if (!isSound) return { do: "deny" };
  const next = { term: id.term, sequence: id.sequence, digest };
  return {
    do: "vote",
    voted: before === undefined ? next : null,
    message: proposalPreimage(statement),
  };
}
