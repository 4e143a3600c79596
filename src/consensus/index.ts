/**
 * `baton-sequencer/consensus`: one log of payloads, ordered by a leader and certified by a quorum.
 *
 * A library of its own: nothing of a rollup is in it. `docs/consensus.md` says what it guarantees and how
 * to use it, `examples/` shows it at work. What is not exported here is not meant to be relied on.
 */

// biome-ignore-all lint/performance/noBarrelFile: the one entry of a package.

// What is proven.
export {
  type Certificate,
  decodeCertificate,
  encodeCertificate,
} from "../core/consensus/certificate.ts";
export type { CommitCertificate } from "../core/consensus/commit-certificate.ts";
export { ELECTION_RULES, type ElectionRules } from "../core/consensus/election-rules.ts";
export type { EpochChain, SignedRecord } from "../core/consensus/epoch-chain.ts";
export { decodeSignedRecord, encodeSignedRecord } from "../core/consensus/epoch-chain.ts";
export type { EpochRecord, KnownRecord } from "../core/consensus/epoch-record.ts";
export { decodeEvidence, type Evidence, encodeEvidence } from "../core/consensus/evidence.ts";
export { EMPTY_LINE, type LineEnd } from "../core/consensus/line.ts";
export type { SignedHeader } from "../core/consensus/signed-header.ts";
export type { Committee } from "../core/consensus/takeover.ts";
export type {
  AsyncSigner,
  ChunkRef,
  Epoch,
  SchemeId,
  Schemes,
} from "../core/consensus/types.ts";
// The vocabulary of the types above.
export type { Address, Hash32 } from "../core/types/hex.ts";
export { address, hash32 } from "../core/types/hex.ts";
export type { Result } from "../core/types/result.ts";
// Keys and signatures.
export { createAsyncSigner, randomSecretKey, schemes } from "../crypto/schemes/registry.ts";
// For a log that its owner writes: everything of a conductor but what a payload is.
export { Candidate } from "./candidate.ts";
// Time, randomness and the network.
export { type Clock, type Judge, type Surroundings, systemClock } from "./clock.ts";
export { type Founding, foundCommittee } from "./committee.ts";
// A log and who leads it.
export { Conductor } from "./conductor.ts";
export type { CandidateEvents, CandidateOptions } from "./conductor-types.ts";
export {
  CONDUCTOR_RULES,
  type Committed,
  type ConductorOptions,
  type ConductorRules,
  type Health,
  type Latest,
  type Level,
} from "./conductor-types.ts";
export { type CommitLog, MemoryCommitLog } from "./council.ts";
export type { EpochChange } from "./epoch-channel.ts";
// Epochs: who leads, who certifies, and how one follows another.
export {
  type EpochManager,
  MemoryRecordStore,
  type RecordStore,
  recordChainManager,
  singleManager,
  staticManager,
} from "./epoch-manager.ts";
export type { CommitError, ProposeError, TransferError } from "./errors.ts";
// All of it in one process.
export { LocalCommittee, type LocalCommitteeOptions } from "./local-committee.ts";
export type { Message } from "./messages.ts";
export { Metrics } from "./metrics.ts";
// What is ordered, and where it is kept.
export {
  checkFully,
  checkLinkage,
  PAYLOAD_BYTES_MAX,
  type PayloadCheck,
  type PayloadType,
} from "./payload.ts";
export {
  type ConductorStore,
  type LogEntry,
  MemoryPayloadStore,
  type PayloadStore,
  type Place,
} from "./payload-store.ts";
export { digestOf, platformJudge, platformSurroundings, verifyCertificate } from "./platform.ts";
export { InProcessNetwork, type Transport } from "./transport.ts";
// Who certifies.
export { Validator, type ValidatorOptions } from "./validator.ts";
export {
  MemoryValidatorStore,
  type ValidatorImage,
  type ValidatorStore,
  type ValidatorWrite,
} from "./validator-store.ts";
