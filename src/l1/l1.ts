/**
 * What the sequencer asks of Ethereum. Types only: `client.ts` implements them with viem, and no
 * viem type crosses this boundary.
 */

import type { FeeHistory, Fees } from "../core/submission/fees.ts";
import type { Address, Hash32 } from "../core/types/hex.ts";
import type { Result } from "../core/types/result.ts";
import type { BlockNumber } from "../core/types/units.ts";

/**
 * A fault outside our own code. `retry` reasons pass with time; `refuse` reasons need an operator.
 * `code` is the JSON-RPC code where there is one. No field carries a URL or a provider's text.
 */
export type L1Error = {
  readonly reason:
    | "unreachable"
    | "timeout"
    | "rpc-error"
    | "range-too-long"
    | "incomplete"
    | "behind"
    | "reorged"
    | "reverted"
    | "underpriced"
    | "already-known"
    | "nonce-too-low"
    | "insufficient-funds"
    | "wrong-chain"
    | "unsupported-contract";
  readonly code: number | null;
};

export type L1Block = {
  readonly number: BlockNumber;
  readonly hash: Hash32;
  /** Unix seconds. */
  readonly timestamp: number;
};

/** One InputBox input as observed on L1. */
export type ObservedInput = {
  /** InputBox's index for this application, gap-free from 0. */
  readonly index: number;
  readonly sender: Address;
  readonly payload: Uint8Array;
  readonly blockNumber: BlockNumber;
  /** Unix seconds. */
  readonly blockTimestamp: number;
  readonly transactionHash: Hash32;
};

/** Inputs of the blocks from the query's first to `end`, which is where the budget ran out. */
export type InputSlice = { readonly inputs: readonly ObservedInput[]; readonly end: BlockNumber };

export type InputQuery = {
  readonly inputBox: Address;
  readonly app: Address;
  readonly from: BlockNumber;
  readonly to: BlockNumber;
  /** Only inputs of this sender are kept, if set; the logs are read all the same. */
  readonly sender: Address | null;
};

/** A transaction signed for the batch submitter, ready to broadcast. */
export type SignedTransaction = { readonly hash: Hash32; readonly raw: `0x${string}` };

/** What every transaction of the submitter says, whatever it calls. */
export type TransactionTerms = Fees & { readonly walletNonce: number; readonly gas: bigint };

export type BatchTransaction = TransactionTerms & {
  readonly inputBox: Address;
  readonly app: Address;
  readonly payload: Uint8Array;
};

/** One endpoint, used by one tick from its first read to its last. */
export type L1 = {
  chainId(): Promise<Result<number, L1Error>>;
  /** The application's InputBox and the block it was deployed in. Errors: `unsupported-contract`. */
  discover(
    app: Address,
  ): Promise<Result<{ inputBox: Address; inputBoxBlock: BlockNumber }, L1Error>>;
  /** Errors: `behind` while the endpoint does not have the block. */
  block(tag: "safe" | "latest" | BlockNumber): Promise<Result<L1Block, L1Error>>;
  /**
   * Inputs in (block, transaction, log) order, indices without a hole (before `sender` filters). At
   * most 10 000 blocks, 64 `getLogs` calls and 16 MiB; long ranges are bisected by JSON-RPC code
   * (L1). The first block with inputs is taken whole, so `end` is never before `from`; `from` one
   * above `to` is empty. Errors: `incomplete` when the answer contradicts itself, nothing is kept.
   */
  inputs(query: InputQuery): Promise<Result<InputSlice, L1Error>>;
  inputCount(inputBox: Address, app: Address, at: BlockNumber): Promise<Result<number, L1Error>>;
  transactionCount(
    account: Address,
    tag: "latest" | "safe" | "pending" | BlockNumber,
  ): Promise<Result<number, L1Error>>;
  balance(account: Address): Promise<Result<bigint, L1Error>>;
  feeHistory(): Promise<Result<FeeHistory, L1Error>>;
  /** Gas of `addInput(app, payload)` at `latest`, without a nonce and without padding. */
  estimateGas(
    from: Address,
    call: { readonly inputBox: Address; readonly app: Address; readonly payload: Uint8Array },
  ): Promise<Result<bigint, L1Error>>;
  /** Gas of the account's empty transfer to itself, which fills a wallet nonce; without padding. */
  estimateNoOpGas(account: Address): Promise<Result<bigint, L1Error>>;
  /** Errors: `already-known`, `underpriced`, `nonce-too-low`, `insufficient-funds`, … */
  broadcast(raw: `0x${string}`): Promise<Result<Hash32, L1Error>>;
  /** The block that holds the transaction, null while there is none. */
  receiptBlock(hash: Hash32): Promise<Result<BlockNumber | null, L1Error>>;
};

export type L1Options = {
  readonly url: string;
  readonly timeoutMs: number;
  /** JSON-RPC codes that mean "the range is too long". */
  readonly longRangeCodes: readonly number[];
};

/** The batch submitter's key, kept in a closure: it cannot be printed. */
export type Submitter = {
  readonly address: Address;
  /** `addInput(app, payload)` as an EIP-1559 transaction. */
  sign(chainId: number, transaction: BatchTransaction): Promise<SignedTransaction>;
  /** An empty transfer to itself: what a flush puts into a wallet nonce (R2). */
  signNoOp(chainId: number, terms: TransactionTerms): Promise<SignedTransaction>;
};
