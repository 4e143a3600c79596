/** Random messages of every kind: well formed, with signatures that nobody made. */

import fc from "fast-check";
import type { Message } from "../../src/consensus/messages.ts";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { forkEvidence } from "../../src/core/consensus/evidence.ts";
import { CANDIDATES_MAX, candidateIndex, epoch, height } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { addressFromBytes, hashFromBytes } from "../../src/core/types/hex.ts";
import {
  certificates,
  exactly,
  memberSignatures,
  multiSignatures,
  records,
  reports,
  signedHeaders,
  signedRecords,
  votes,
} from "./consensus-arbitraries.ts";

const u64 = fc.oneof(fc.nat(), fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 }));
const hashes = exactly(32).map(hashFromBytes);
const epochs = u64.map(epoch);
const candidates = fc.nat({ max: CANDIDATES_MAX - 1 }).map(candidateIndex);
const chunkRefs = fc.record({ height: u64.map(height), hash: hashes });
const places = fc.record({ height: fc.oneof(fc.constant(-1), fc.nat()), hash: hashes });
const short = { maxLength: 3 };
const chunks = fc.array(
  fc.record({ signed: signedHeaders, payload: fc.uint8Array({ maxLength: 40 }) }),
  short,
);
const feeds = fc.record({
  certificate: fc.option(certificates),
  checkpoint: fc.option(fc.record({ signed: signedHeaders, certificate: certificates })),
  chunks,
});
const beginnings = fc.record({
  chunk: fc.record({ signed: signedHeaders, payload: fc.uint8Array({ maxLength: 40 }) }),
  above: fc.array(signedHeaders, short).map((all) => all.map(({ header }) => header)),
  certificate: certificates,
});
const committees = records.map(({ scheme, quorum, members, candidates: listed }) => ({
  ...{ scheme, quorum, members },
  candidates: listed,
}));
const ids = fc.record({ term: epochs, sequence: u64, origin: candidates });
const statements = fc.record({
  chainId: u64,
  app: exactly(20).map(addressFromBytes),
  recordHash: hashes,
  id: ids,
  digest: hashes,
});
const changes = fc.record({
  committee: committees,
  certificate: fc.record({ statement: statements, signatures: multiSignatures("p256", 4) }),
});
const takeovers = fc.array(
  fc.record({ known: records.map(knownRecord), reports: fc.array(reports, short) }),
  { maxLength: 2 },
);
/** Two headers of one leader at one place: they differ in their root at least. */
const evidences = fc
  .tuple(signedHeaders, signedHeaders)
  .filter(([a, b]) => a.header.root !== b.header.root)
  .map(([a, b]) => {
    const { epoch: at, height: place } = a.header;
    const rival = { ...b, header: { ...b.header, epoch: at, height: place } };
    return must(forkEvidence(a, rival), "two roots are two chunks");
  });

type Kind = Message["is"];
type MessageOf<K extends Kind> = Extract<Message, { readonly is: K }>;

/** Whoever adds a kind of message adds it here, or this does not compile. */
const FIELDS: { readonly [K in Kind]: fc.Arbitrary<Omit<MessageOf<K>, "is">> } = {
  propose: fc.record({
    ...{ epoch: epochs, recordHash: hashes, target: fc.option(chunkRefs), feed: feeds },
  }),
  prepare: fc.record({
    ...{ epoch: epochs, recordHash: hashes, candidate: candidates, votes: fc.array(votes, short) },
  }),
  sign: fc.record({ takeovers, change: fc.option(changes), feed: feeds }),
  fetch: fc.record({ after: places, goal: fc.option(chunkRefs) }),
  "want-beginning": fc.record({ after: places, isAny: fc.boolean() }),
  proposal: fc.record({
    statement: statements,
    payload: fc.uint8Array({ maxLength: 40 }),
    committee: fc.option(committees),
  }),
  transfer: fc.record({ candidate: fc.option(candidates) }),
  ack: fc.record({
    ack: fc.record({
      statement: fc.record({
        ...{ chainId: u64, app: exactly(20).map(addressFromBytes), epoch: epochs },
        ...{ recordHash: hashes, height: u64.map(height), chunkHash: hashes },
      }),
      by: memberSignatures,
    }),
  }),
  holds: fc.record({ through: fc.oneof(fc.constant(-1), fc.nat()) }),
  fenced: fc.record({ epoch: epochs }),
  refused: fc.record({ why: fc.constantFrom("mute", "busy", "record") }),
  report: fc.record({ report: reports, accepted: takeovers }),
  signed: fc.record({
    records: fc.array(hashes, short),
    byPrevious: fc.option(fc.array(memberSignatures, short)),
    byJoining: fc.option(memberSignatures),
  }),
  chunks: fc.record({
    ...{ after: places, goal: fc.option(chunkRefs), chunks },
    certificate: fc.option(certificates),
  }),
  beginning: fc.record({ after: places, beginning: fc.option(beginnings) }),
  elected: fc.record({ votes: fc.array(votes, short) }),
  "proposal-vote": fc.record({ statement: statements, by: memberSignatures }),
  "proposal-denied": fc.record({ id: ids }),
  change: fc.record({ change: changes }),
  ask: fc.record({ vote: votes, isTransfer: fc.boolean() }),
  vote: fc.record({ vote: votes }),
  denied: fc.record({ term: epochs }),
  "election-heartbeat": fc.record({ term: epochs }),
  evidence: fc.record({ evidence: evidences }),
  "given-up": fc.record({ headers: fc.array(signedHeaders, short) }),
  head: fc.record({ epoch: epochs, hash: hashes }),
  "want-records": fc.record({ after: epochs }),
  records: fc.record({ records: fc.array(signedRecords, short) }),
};

function arbitraryOf<K extends Kind>(kind: K): fc.Arbitrary<Message> {
  const fields: fc.Arbitrary<object> = FIELDS[kind];
  // A kind with its own fields is a message, which a generic kind cannot show.
  return fields.map((one) => ({ is: kind, ...one }) as unknown as Message);
}

export const KINDS: readonly Kind[] = Object.keys(FIELDS) as Kind[];

export function messagesOf(kind: Kind): fc.Arbitrary<Message> {
  return arbitraryOf(kind);
}

export const messages: fc.Arbitrary<Message> = fc.constantFrom(...KINDS).chain(messagesOf);
