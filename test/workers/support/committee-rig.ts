/**
 * Validator objects with a leader in the test's hands: it signs chunks, and hears what they answer.
 *
 * The leader's endpoint is a URL, so messages leave as signed requests, which are caught here; what it
 * says comes by binding, and the acks that it asks for are in the answers to that. Storage is shared
 * within a file, so each test takes validators of its own.
 */

import { env } from "cloudflare:workers";
import { concatBytes } from "@noble/hashes/utils.js";
import { expect, vi } from "vitest";
import { decodeMessage, encodeMessage } from "../../../src/consensus/message-bytes.ts";
import type { Message, SentChunk } from "../../../src/consensus/messages.ts";
import { type ChunkEvent, encodeEvent } from "../../../src/core/chunk/event.ts";
import type { Certificate } from "../../../src/core/consensus/certificate.ts";
import { assembleCertificate } from "../../../src/core/consensus/certificate.ts";
import { encodeSignedRecord } from "../../../src/core/consensus/epoch-chain.ts";
import {
  type KnownRecord,
  sortCandidates,
  sortMembers,
} from "../../../src/core/consensus/epoch-record.ts";
import { encodeRecord, knownRecord } from "../../../src/core/consensus/epoch-record-bytes.ts";
import { combineSignatures } from "../../../src/core/consensus/multi-signature.ts";
import { type ChunkRef, memberIndex } from "../../../src/core/consensus/types.ts";
import { must } from "../../../src/core/types/assert.ts";
import { fromHex } from "../../../src/core/types/hex.ts";
import type { Result } from "../../../src/core/types/result.ts";
import { schemes } from "../../../src/crypto/schemes/registry.ts";
import { type Chunk, recordOf, sequencers, signersOf } from "../../support/committee.ts";
import { TEST_VARIABLES } from "../../support/variables.ts";

export const KEK = `0x${"5a".repeat(32)}`;
export const LEADER = "https://one.example/committee/sequencer/one";
const OTHER = "https://two.example/committee/sequencer/two";

export const COMMITTEE_VARIABLES: Readonly<Record<string, string>> = {
  ...TEST_VARIABLES,
  SEQ_CANDIDATES: `one=${LEADER}, two=${OTHER}`,
  SEQ_VALIDATORS: Array.from({ length: 16 }, (_, i) => `object:validator/v${i}`).join(),
  SEQ_VALIDATOR_KEK: KEK,
};

/** The pool hands this one object to the Worker and to the objects it creates. */
export function configure(difference: Readonly<Record<string, string>> = {}): void {
  Object.assign(env, COMMITTEE_VARIABLES, difference);
}

export function validator(name: string) {
  return env.VALIDATOR.getByName(`${TEST_VARIABLES["SEQ_APP_ADDRESS"]}:${name}`);
}

export function objectOf(name: string): string {
  return `object:validator/${name}`;
}

export function value<T>(result: Result<T, unknown>): T {
  return result.ok ? result.value : expect.fail(JSON.stringify(result.error));
}

/** A message that a validator sent, as its bytes said. */
export type Said = {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
  readonly bytes: Uint8Array;
  /** By its name without `x-baton-`. */
  readonly header: (name: string) => string;
};

let caught: Said[] = [];

/** Catches what leaves for a URL, and acks; `answers` may serve other requests. */
export function catchMessages(
  answers: (request: Request) => Promise<Response | null> = () => Promise.resolve(null),
): Said[] {
  const said: Said[] = [];
  caught = said;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const answer = await answers(request.clone());
    if (answer !== null) return answer;
    const bytes = new Uint8Array(await request.arrayBuffer());
    const decoded = decodeMessage(bytes);
    if (!decoded.ok) return new Response(null, { status: 400 });
    const headers = Object.fromEntries(request.headers);
    const header = (name: string): string => headers[`x-baton-${name}`] ?? "";
    const message = decoded.value;
    said.push({ from: header("sender"), to: header("receiver"), message, bytes, header });
    return new Response(null, { status: 202 });
  });
  return said;
}

export type Committee = {
  readonly names: readonly string[];
  readonly known: KnownRecord;
  readonly signed: Uint8Array;
};

/** Founds a committee of these validators, led by the test. Quorum: all of them. */
export async function found(
  names: readonly string[],
  endpointOf: (name: string) => string = objectOf,
): Promise<Committee> {
  const cards = await Promise.all(
    names.map(async (name) => ({ name, card: value(await validator(name).keyCard()) })),
  );
  const members = cards.map(({ name, card }) => ({
    ...{ key: fromHex(card.key), proof: fromHex(card.proof), endpoint: endpointOf(name) },
  }));
  const endpoints = { one: LEADER, two: OTHER };
  const candidates = (["one", "two"] as const).map((id) => ({
    ...{ id, endpoint: endpoints[id] },
    ...{ scheme: sequencers[id].scheme, key: sequencers[id].publicKey },
  }));
  const record = recordOf(signersOf("p256", [1]), {
    quorum: names.length,
    members: sortMembers(members),
    candidates: sortCandidates(candidates),
  });
  const signatures = await Promise.all(
    record.members.map(async ({ endpoint }, i) => {
      const name = must(
        names.find((one) => endpointOf(one) === endpoint),
        "a member",
      );
      const signature = value(await validator(name).signFounding(encodeRecord(record)));
      return { member: memberIndex(i), signature };
    }),
  );
  const byJoining = combineSignatures(schemes.p256, record.members.length, signatures);
  const signed = encodeSignedRecord({ record, byPrevious: null, byJoining });
  for (const name of names) value(await validator(name).storeFounding(signed));
  return { names, known: knownRecord(record), signed };
}

export function sent({ header, events }: Chunk): SentChunk {
  return { signed: header, payload: concat(events) };
}

function concat(events: readonly ChunkEvent[]): Uint8Array {
  return concatBytes(...events.map(encodeEvent));
}

export type Offer = {
  readonly chunks?: readonly SentChunk[];
  readonly target?: ChunkRef | null;
  readonly certificate?: Certificate | null;
  readonly from?: string;
  readonly epoch?: number;
};

/** What the leader proposes to one of its validators. */
export async function propose(
  { known }: Committee,
  name: string,
  { chunks = [], target = null, certificate = null, from = LEADER }: Offer,
): Promise<void> {
  const feed = { certificate, checkpoint: null, chunks };
  const { epoch } = known.record;
  const message: Message = { is: "propose", epoch, recordHash: known.hash, target, feed };
  const ack = await validator(name).deliver(from, objectOf(name), encodeMessage(message));
  if (ack !== null) {
    caught.push({ ...{ from: objectOf(name), to: from, header: () => "" }, ...read(ack) });
  }
}

function read(bytes: Uint8Array): Pick<Said, "message" | "bytes"> {
  const message = decodeMessage(bytes);
  return message.ok ? { message: message.value, bytes } : expect.fail("an answer is a message");
}

/** The certificate that these acks make. */
export function certificateOf(
  { known }: Committee,
  said: readonly Said[],
  chunk: ChunkRef,
): Certificate {
  const acks = said.flatMap(({ message }) =>
    message.is === "ack" && message.ack.statement.chunkHash === chunk.hash ? [message.ack.by] : [],
  );
  const one = [...new Map(acks.map((by) => [by.member, by])).values()];
  return assembleCertificate(known, chunk, one, schemes[known.record.scheme]);
}

export function kindsOf(said: readonly Said[]): readonly string[] {
  return said.map(({ message }) => message.is);
}
