/**
 * Founding a committee: the first record of its epochs, signed by every member (C9).
 *
 * Asked by the operator, once the history has begun. Repeated it goes on where it stood: keys are made
 * once, a validator signs one record in its life, and the record follows from keys, configuration and
 * era alone. Nothing is founded until the record with all signatures is stored here; members that have
 * not got it then are given it by asking again.
 */

import type { FoundingBody, FoundingOrder, KeyCard } from "../../core/api/committee-api.ts";
import { badRequest, type Rejection, unavailable } from "../../core/api/rejection.ts";
import type { CommitteeConfig } from "../../core/config/committee.ts";
import { ZERO_HASH } from "../../core/consensus/encoding.ts";
import { encodeSignedRecord, joiningMembers } from "../../core/consensus/epoch-chain.ts";
import {
  type EpochRecord,
  firstOffset,
  majority,
  recordProblem,
  sortCandidates,
  sortMembers,
} from "../../core/consensus/epoch-record.ts";
import { encodeRecord } from "../../core/consensus/epoch-record-bytes.ts";
import { combineSignatures, type SignedByMember } from "../../core/consensus/multi-signature.ts";
import { candidateIndex, epoch } from "../../core/consensus/types.ts";
import { must } from "../../core/types/assert.ts";
import { fromHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { offset } from "../../core/types/units.ts";
import { schemes } from "../../crypto/schemes/registry.ts";
import type { FoundingClient } from "../shared/founding-client.ts";
import { log } from "../shared/log.ts";
import type { Runtime } from "./runtime.ts";
import { loadGenesisHash, loadSignedRecords } from "./storage/epochs.ts";
import { loadHistory } from "./storage/history.ts";

export type Founder = {
  readonly runtime: Runtime;
  /** This candidate, as the configuration names it. */
  readonly own: { readonly id: string; readonly card: KeyCard };
  readonly client: FoundingClient;
  /** Verifies and keeps the record here; the committee is founded by it. */
  readonly keep: (signedRecord: Uint8Array) => Promise<Result<FoundingBody, Rejection>>;
};

const unfit = badRequest("these members and this quorum make no committee");

export async function foundCommittee(
  founder: Founder,
  order: FoundingOrder,
): Promise<Result<FoundingBody, Rejection>> {
  const { runtime, client, keep } = founder;
  const signed = await signedRecord(founder, order);
  if (!signed.ok) return signed;
  const kept = await keep(signed.value);
  if (!kept.ok) return kept;
  const committee = must(runtime.config.committee, "a committee is configured");
  const others = committee.candidates.filter(({ id }) => id !== founder.own.id);
  const endpoints = [...committee.validators, ...others].map(({ endpoint }) => endpoint);
  for (const problem of await Promise.all(
    endpoints.map((endpoint) => client.store(endpoint, signed.value)),
  )) {
    if (problem !== null) return err(problem);
  }
  log("info", "committee-founded", { members: committee.validators.length });
  return kept;
}

/** The one that is stored, or a new one. */
async function signedRecord(
  founder: Founder,
  order: FoundingOrder,
): Promise<Result<Uint8Array, Rejection>> {
  const { sql } = founder.runtime;
  if (loadGenesisHash(sql) !== null) {
    const [first] = loadSignedRecords(sql, -1, 1);
    return ok(encodeSignedRecord(must(first, "the first record is stored")));
  }
  const record = await foundingRecord(founder, order);
  if (!record.ok) return record;
  const bytes = encodeRecord(record.value);
  const signatures: SignedByMember[] = [];
  for (const member of joiningMembers(record.value, null)) {
    const { endpoint } = must(record.value.members[member], "who joins is a member");
    const signature = await founder.client.signatureOf(endpoint, bytes);
    if (!signature.ok) return signature;
    signatures.push({ member, signature: signature.value });
  }
  const scheme = schemes[record.value.scheme];
  const byJoining = combineSignatures(scheme, record.value.members.length, signatures);
  return ok(encodeSignedRecord({ record: record.value, byPrevious: null, byJoining }));
}

async function foundingRecord(
  { runtime, own, client }: Founder,
  order: FoundingOrder,
): Promise<Result<EpochRecord, Rejection>> {
  const { config, sql } = runtime;
  const { candidates, validators } = must(config.committee, "a committee is configured");
  const cards = await keysOf(client, validators);
  if (!cards.ok) return cards;
  const others = await keysOf(
    client,
    candidates.filter(({ id }) => id !== own.id),
  );
  if (!others.ok) return others;
  // After the answers: the era is this database's, and nothing waits from here on.
  const history = loadHistory(sql);
  if (history === null) return err(unavailable("starting"));
  const standing = [...others.value];
  const listed = sortCandidates(
    candidates.map(({ id, endpoint }) => {
      const card = id === own.id ? own.card : must(standing.shift(), "one card for each other");
      return { id, endpoint, scheme: card.scheme, key: fromHex(card.key) };
    }),
  );
  const keepThrough = offset(0);
  const record: EpochRecord = {
    ...{ chainId: config.chainId, app: config.app, era: history.era },
    ...{ epoch: epoch(0), previous: ZERO_HASH },
    scheme: order.scheme ?? "p256",
    quorum: order.quorum ?? majority(validators.length),
    members: sortMembers(
      validators.map(({ endpoint }, i) => {
        const { key, proof } = must(cards.value[i], "one card for each");
        return { endpoint, key: fromHex(key), proof: fromHex(proof) };
      }),
    ),
    candidates: listed,
    leader: candidateIndex(listed.findIndex(({ id }) => id === own.id)),
    start: { inherited: null, keepThrough, firstOffset: firstOffset(epoch(0), null, keepThrough) },
  };
  const isOneScheme = cards.value.every(({ scheme }) => scheme === record.scheme);
  return isOneScheme && recordProblem(record) === null ? ok(record) : err(unfit);
}

async function keysOf(
  client: FoundingClient,
  endpoints: CommitteeConfig["validators"],
): Promise<Result<readonly KeyCard[], Rejection>> {
  const cards: KeyCard[] = [];
  for (const { endpoint } of endpoints) {
    const card = await client.keyOf(endpoint);
    if (!card.ok) return card;
    cards.push(card.value);
  }
  return ok(cards);
}
