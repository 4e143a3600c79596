/** Evidence as a validator finds it: shown by somebody, or by what others gave up and it has not. */

import type { EpochChain } from "../core/consensus/epoch-chain.ts";
import { recordAt } from "../core/consensus/epoch-chain.ts";
import { type Evidence, evidenceClaim, forkEvidence } from "../core/consensus/evidence.ts";
import type { LineChunk } from "../core/consensus/line.ts";
import type { SignedHeader } from "../core/consensus/signed-header.ts";
import { GIVEN_UP_MAX, type ValidatorDurable } from "../core/consensus/validator-state.ts";
import type { Judge } from "./clock.ts";
import type { ValidatorStore } from "./validator-store.ts";
import { verifyHeader } from "./verify.ts";

/** The evidence, if it proves anything about somebody of its epoch's record. */
export async function provenEvidence(
  judge: Judge,
  chain: EpochChain,
  evidence: Evidence,
): Promise<Evidence | null> {
  const first = evidence.pair[0];
  const epoch = "header" in first ? first.header.epoch : first.statement.epoch;
  const known = recordAt(chain, epoch);
  const claim = known === null ? null : evidenceClaim(evidence, known);
  if (claim === null || !claim.ok) return null;
  return (await judge.settle(claim.value)).ok ? evidence : null;
}

export type KnownHere = {
  readonly store: ValidatorStore;
  readonly durable: ValidatorDurable;
  readonly chain: EpochChain;
};

/** That these headers' leaders signed other chunks in their place, which are remembered here. */
export async function evidenceAgainst(
  judge: Judge,
  known: KnownHere,
  headers: readonly SignedHeader[],
): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  for (const signed of headers.slice(0, GIVEN_UP_MAX)) {
    const rival = await rivalOf(known.store, known.durable, signed);
    const evidence = rival === null ? null : forkEvidence(rival.signed, signed);
    if (evidence === null) continue;
    if ((await verifyHeader(judge, known.chain, signed)) !== null) found.push(evidence);
  }
  return found;
}

/** A chunk of the same leader in the same place, as far as this validator stores what was there. */
async function rivalOf(
  store: ValidatorStore,
  { chunks, tip, givenUp }: ValidatorDurable,
  { header }: SignedHeader,
): Promise<LineChunk | null> {
  const isThere = ({ signed }: LineChunk): boolean =>
    signed.header.height === header.height && signed.header.epoch === header.epoch;
  const kept = [...chunks, ...givenUp, ...(tip === null ? [] : [tip.chunk])].find(isThere);
  if (kept !== undefined) return kept;
  const certified = await store.certifiedAt(header.height);
  return certified !== null && isThere(certified) ? certified : null;
}
