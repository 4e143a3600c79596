/**
 * `baton verify-receipt`: what does a receipt prove? (C2)
 *
 * Everything is verified here, with no server: the epoch records from the pinned first one on, the
 * header, the path, the certificate, and the op's own signature, which no validator in mode `linkage`
 * looks at. Exit code 0: proven; 1: refuted; 2: it could not be told.
 */

import { formatEra } from "../core/chunk/era.ts";
import type { ChunkEvent } from "../core/chunk/event.ts";
import type { ChunkHeader } from "../core/chunk/header.ts";
import { type EpochChain, recordByHash } from "../core/consensus/epoch-chain.ts";
import type { Receipt } from "../core/consensus/receipt.ts";
import { RECEIPT_TEXT_MAX } from "../core/consensus/receipt-json.ts";
import type { Certification, ReceiptProof } from "../core/consensus/verify-receipt.ts";
import { assert } from "../core/types/assert.ts";
import { type Hash32, toHex } from "../core/types/hex.ts";
import { checksumAddress } from "../core/wire/address.ts";
import { digestOfOp, findReceipt, isSignedBySender } from "../sdk/held-receipt.ts";
import {
  describeLimits,
  describeProblem,
  describeProof,
  type Problem,
} from "../sdk/receipt-words.ts";
import { type Refusal, verifyEpochs, verifyReceipt } from "../sdk/verify-receipt.ts";
import { loadEpochs } from "./epochs.ts";
import { CommandFailure, type Io, readText, Speech, type SpeechOptions } from "./io.ts";
import type { Json } from "./sequencer-client.ts";

export const PROVEN = 0;
export const REFUTED = 1;
export const UNREADABLE = 2;

export type VerifyReceiptOptions = SpeechOptions & {
  /** A receipt, or an answer that holds one; `-` is stdin. */
  readonly file: string;
  /** A file or a sequencer's URL. */
  readonly epochs: string;
  /** Hash of the committee's first record; undefined: what the epochs' source says. */
  readonly genesis: Hash32 | undefined;
};

/** An answer has some hundred bytes beside its receipt. */
const FILE_BYTES_MAX = RECEIPT_TEXT_MAX + 64 * 1024;

/** Answers the exit code. Throws `CommandFailure` for what could not be told. */
export async function verifyReceiptFile(io: Io, options: VerifyReceiptOptions): Promise<number> {
  const speech = new Speech(io, options);
  const receipt = receiptIn(await readText(io, options.file, FILE_BYTES_MAX));
  const { chain, genesis, trusted } = await epochsFor(io, options);
  const proof = await verifyReceipt(receipt, chain);
  const common = { command: "verify-receipt", genesis, trusted };
  const trust = Object.entries(trusted).map(([name, value]) => `  ${name} ${String(value)}`);
  const lines =
    trust.length === 0 ? [] : ["taken on trust from the source of the epochs:", ...trust];
  const refute = (problem: Problem): number => {
    const says = `Refuted: ${describeProblem(problem)}.`;
    speech.result({ ...common, verdict: "refuted", problem, says }, [...lines, says]);
    return REFUTED;
  };
  if (!proof.ok) return refute(problemOf(proof.error, receipt));
  if (!isSignedBySender(proof.value)) return refute("op-signature");
  const found = describe(proof.value, chain);
  speech.result({ ...common, verdict: "proven", ...found }, [...lines, ...wordsOf(found)]);
  return PROVEN;
}

/** Throws `CommandFailure`. */
function receiptIn(text: string): Receipt {
  const found = findReceipt(text);
  if (found.ok) return found.value;
  throw new CommandFailure(found.error);
}

async function epochsFor(
  io: Io,
  options: VerifyReceiptOptions,
): Promise<{ readonly chain: EpochChain; readonly genesis: string; readonly trusted: Json }> {
  const { records, genesis: said } = await loadEpochs(io, options.epochs);
  if (records.length === 0) throw new CommandFailure("there are no epoch records: no committee");
  const genesis = options.genesis ?? said;
  if (genesis === null) throw new CommandFailure("give --genesis: the epochs do not name it");
  const chain = await verifyEpochs({ genesis, records });
  const trusted = options.genesis === undefined ? { genesis } : {};
  if (chain.ok) return { chain: chain.value, genesis, trusted };
  throw new CommandFailure(
    chain.error.problem === "genesis"
      ? "the epoch records do not begin with the record of that hash"
      : `the epoch records are no valid chain: ${chain.error.problem}`,
  );
}

/** Throws `CommandFailure` when nothing can be said of it. */
function problemOf(refusal: Refusal, { header: { header } }: Receipt): Problem {
  assert(refusal.about === "receipt", "the text and the epochs were verified before");
  if (refusal.problem !== "epoch") return refusal.problem;
  throw new CommandFailure(
    `no record of its epoch is given (the chunk is of epoch ${header.epoch}): give newer epochs`,
  );
}

type Found = ReturnType<typeof describe>;

/** The proof for programs; `says` is the sentence for people. */
function describe(proof: ReceiptProof, chain: EpochChain) {
  const { event, header, chunk, promisedBy, certified, abandonedBy } = proof;
  const known = certified === null ? null : recordByHash(chain, certified.recordHash);
  const members = known?.record.members.length ?? 0;
  return {
    tier: proof.tier,
    event: describeFields(event, header),
    chain_id: header.chainId,
    app: checksumAddress(header.app),
    era: formatEra(header.era),
    chunk: { height: chunk.height, hash: chunk.hash, epoch: header.epoch, index: proof.index },
    promised_by: { epoch: promisedBy.epoch, sequencer: promisedBy.candidate },
    certified: certified === null ? null : describeCertification(certified, members),
    abandoned_by: abandonedBy,
    says: describeProof(proof, members),
    limits: describeLimits(proof),
  };
}

function describeCertification(certified: Certification, members: number) {
  const { epoch, chunk, signers, quorum } = certified;
  return { epoch, height: chunk.height, signers, members, quorum };
}

/** Names as on the feed, bytes as hex; an op with the digest that `GET /tx` gives. */
function describeFields(event: ChunkEvent, header: ChunkHeader): Json {
  const fields = Object.entries(event).map(([name, value]: readonly [string, unknown]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value instanceof Uint8Array ? toHex(value) : value,
  ]);
  const digest = event.kind === "op" ? { digest: toHex(digestOfOp(event, header)) } : {};
  return { ...Object.fromEntries(fields), ...digest };
}

function wordsOf({ chain_id, app, era, chunk, says, limits }: Found): readonly string[] {
  return [
    `application ${app} on chain ${chain_id}, era ${era}`,
    `chunk ${chunk.height} of epoch ${chunk.epoch}, ${chunk.hash}`,
    says,
    limits,
  ];
}
