/**
 * `baton-sequencer/application`: what a rollup is written with.
 *
 * The interface and its helpers, the canonical fold and the check of an application, all pure: the same
 * module runs in the Worker, in Node, in a browser and in the machine. `docs/app-developers.md` is its
 * guide. What is not exported here is not meant to be relied on.
 */

// biome-ignore-all lint/performance/noBarrelFile: the one entry of a package.

export { feeToLinear } from "../fee/log-fee.ts";
// The fold: what counts.
export {
  createMachine,
  type Emitted,
  type Machine,
  type MachineSettings,
} from "../scheduler/machine.ts";
export { openMachine, type TextMachine } from "../scheduler/machine-text.ts";
export type {
  Checkpoint,
  Executed,
  Outcome,
  Processed,
  Scheduler,
  SchedulerInput,
} from "../scheduler/outcome.ts";
export { createScheduler } from "../scheduler/scheduler.ts";
// Bytes, numbers and identities.
export { assert, InvariantError, must } from "../types/assert.ts";
export { bytesEqual, viewOf } from "../types/bytes.ts";
export {
  type Address,
  address,
  addressFromBytes,
  fromHex,
  type Hash32,
  parseAddress,
  toHex,
  ZERO_ADDRESS,
} from "../types/hex.ts";
export { STATE_BYTES_MAX } from "../types/protocol.ts";
export { type Err, err, type Ok, ok, type Result } from "../types/result.ts";
export {
  getBigEndian,
  getLittleEndian,
  setBigEndian,
  setLittleEndian,
  UINT256_BYTES,
  UINT256_MAX,
} from "../types/uint256.ts";
export {
  type BatchNonce,
  type BlockNumber,
  batchNonce,
  blockNumber,
  type FeeExponent,
  feeExponent,
  U16_MAX,
  U32_MAX,
} from "../types/units.ts";
export { checksumAddress } from "../wire/address.ts";
export {
  type Batch,
  decodeBatch,
  encodeBatch,
  type Frame,
  type WireUserOp,
} from "../wire/batch.ts";
export { type RecoverAddress, recoverAddress } from "../wire/signature.ts";
export { type Domain, domainSeparator, userOpDigest } from "../wire/user-op.ts";
// The interface.
export { decodeAccounts, encodeAccounts, type ValueCodec } from "./account-table.ts";
export type {
  Application,
  ApplicationState,
  ConfigProblem,
  DirectInput,
  InvalidReason,
  Output,
  Progress,
  UserOp,
  ValidUserOp,
} from "./application.ts";
export { checkApplication } from "./check.ts";
export type { OpStep, Step } from "./check-types.ts";
export { Journal, type JournalContents } from "./journal.ts";
