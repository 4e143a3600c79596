/**
 * `baton-sequencer/client`: sign, submit, follow and verify, in a browser or in Node.
 *
 * `docs/sdk.md` shows how. What is not exported here is not meant to be relied on.
 */

// biome-ignore-all lint/performance/noBarrelFile: the one entry of a package.

export type { OverviewBody } from "../core/api/overview.ts";
export type { ErrorCode } from "../core/api/rejection.ts";
export type {
  DeploymentBody,
  FeeQuote,
  HealthBody,
  OpState,
} from "../core/api/sequencer-api.ts";
// The vocabulary of a replica's application.
export type {
  Application,
  ApplicationState,
  DirectInput,
  InvalidReason,
  Output,
  Progress,
  UserOp,
  ValidUserOp,
} from "../core/application/application.ts";
// What is proven.
export type { ReceiptProof } from "../core/consensus/verify-receipt.ts";
// The feed.
export type {
  DirectInputRecord,
  FeedRecord,
  RollbackRecord,
  UserOpRecord,
} from "../core/feed/record.ts";
export { type Address, address, type Hash32, parseAddress } from "../core/types/hex.ts";
export type { Result } from "../core/types/result.ts";
// What is signed.
export { type Domain, domainSeparator, userOpDigest } from "../core/wire/user-op.ts";
export { createClient } from "./client.ts";
export type {
  Account,
  CallOptions,
  CertificateEvent,
  Client,
  ClientOptions,
  FeedEvent,
  FeedSlice,
  FeedSliceOptions,
  FollowOptions,
  LocalAccount,
  OpRequest,
  OpTypedData,
  OrderedOp,
  Replica,
  ReplicaEvent,
  ReplicaOptions,
  RetryOptions,
  SentOp,
  SignedOp,
  SocketEvents,
  SocketHandle,
  Transaction,
  Transport,
  Voiding,
  WalletAccount,
} from "./client-types.ts";
export { BatonError, type ClientErrorCode, OpVoidedError, SubmissionError } from "./errors.ts";
export { parseFeedMessage } from "./feed-message.ts";
export { opTypedData, signOp, submissionOf, type UnsignedOp } from "./sign-op.ts";
export { type Epochs, type Refusal, verifyEpochs, verifyReceipt } from "./verify-receipt.ts";
