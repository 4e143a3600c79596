/**
 * What a client of Baton offers and takes: types alone, for whoever compiles against it.
 *
 * Bodies of answers keep the names they have on the wire; records of the feed are those of `core`.
 */

import type { OverviewBody } from "../core/api/overview.ts";
import type {
  DeploymentBody,
  FeeQuote,
  HealthBody,
  TransactionBody,
} from "../core/api/sequencer-api.ts";
import type { Application, ApplicationState } from "../core/application/application.ts";
import type { FeedRecord, RollbackRecord } from "../core/feed/record.ts";
import type { Address } from "../core/types/hex.ts";
import type { Domain } from "../core/wire/user-op.ts";
import type { Epochs } from "./verify-receipt.ts";

export type ClientOptions = {
  /** Of the deployment, `http` or `https`, with or without a slash at the end. */
  readonly url: string;
  /** What ops are signed for, when it is known beforehand; without it the sequencer is asked once. */
  readonly domain?: Domain;
  /** For the operator's routes; only a replica that starts from a snapshot needs it. */
  readonly operatorToken?: string;
  readonly retry?: RetryOptions;
  readonly transport?: Transport;
};

/** When a request fails that may be made again: bounds of what is done about it. */
export type RetryOptions = {
  /** From the first attempt to the last one's start; 60 000 when not given. */
  readonly limitMs?: number;
  /** 10 when not given; 1 means that nothing is retried. */
  readonly attemptsMax?: number;
};

/** The network, when it is not the platform's own. */
export type Transport = {
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Opens a WebSocket. `closed` is called once, last, also when it could not be opened, and never in this call. */
  readonly connect?: (url: string, on: SocketEvents) => SocketHandle;
};

export type SocketEvents = {
  /** A text frame. */
  readonly message: (text: string) => void;
  readonly closed: (code: number, reason: string) => void;
};

export type SocketHandle = {
  readonly send: (text: string) => void;
  readonly close: () => void;
};

/** EIP-712, as wallets take it. */
export type OpTypedData = {
  readonly domain: {
    readonly name: string;
    readonly version: string;
    readonly chainId: number;
    readonly verifyingContract: Address;
  };
  readonly types: {
    readonly UserOp: readonly [
      { readonly name: "nonce"; readonly type: "uint32" },
      { readonly name: "max_fee"; readonly type: "uint16" },
      { readonly name: "data"; readonly type: "bytes" },
    ];
  };
  readonly primaryType: "UserOp";
  readonly message: {
    readonly nonce: number;
    readonly max_fee: number;
    readonly data: `0x${string}`;
  };
};

/** Signs by itself; any local account of viem is one. */
export type LocalAccount = {
  readonly address: string;
  readonly signTypedData: (typedData: OpTypedData) => Promise<string>;
};

/** A wallet that a page was given (EIP-1193). It is asked with `eth_signTypedData_v4`. */
export type WalletAccount = {
  readonly address: string;
  readonly provider: {
    readonly request: (call: {
      method: "eth_signTypedData_v4";
      params: [address: `0x${string}`, typedData: string];
    }) => Promise<unknown>;
  };
};

export type Account = LocalAccount | WalletAccount;

/** What an app wants done. The rest is found out. */
export type OpRequest = {
  /** In the application's own encoding. */
  readonly data: Uint8Array;
  /** Exponent; the sequencer's suggestion when it is not given. */
  readonly maxFee?: number;
  /** The sender's next when it is not given. A given one is used as it is, or the op is refused. */
  readonly nonce?: number;
};

/** An op that anybody may submit, again and again, with one effect (I4). */
export type SignedOp = {
  readonly sender: Address;
  readonly nonce: number;
  readonly maxFee: number;
  readonly data: Uint8Array;
  /** 65 bytes as hex. */
  readonly signature: string;
};

/** Body of `GET /tx/:sender/:nonce`, with the receipt as the text that `verifyReceipt` takes. */
export type Transaction = Omit<TransactionBody, "receipt"> & { readonly receipt: string | null };

/** Where an op was put by the promise. */
export type OrderedOp = {
  readonly offset: number;
  readonly batchNonce: number;
  /** Exponent; what is charged. */
  readonly frameFee: number;
  /** Text of the ordered receipt; null without a committee, and where it is not kept. */
  readonly receipt: string | null;
};

/**
 * An op that was included, and what becomes of it.
 *
 * The sequencer is asked about it from when one of the last four is looked at, until it is settled or
 * voided. A rollback that voids the op rejects what is pending of them with `OpVoidedError`. One that is
 * never looked at never complains.
 */
export type SentOp = OrderedOp & {
  readonly sender: Address;
  readonly nonce: number;
  /** To submit again after a rollback, or to keep. */
  readonly signed: SignedOp;
  readonly ordered: Promise<OrderedOp>;
  /** A quorum has it, by `receipt`. Null where the deployment has no committee. */
  readonly certified: Promise<Transaction | null>;
  /** A transaction with the op's batch was broadcast to L1. */
  readonly posted: Promise<Transaction>;
  /** L1 accepted the batch, at safe depth: nothing voids the op any more. */
  readonly settled: Promise<Transaction>;
  /** Told when the op is voided; null once it is settled. */
  readonly voided: Promise<Voiding | null>;
};

export type Voiding = {
  /** The first rollback that voided the op; null where the feed does not go back that far. */
  readonly rollback: RollbackRecord | null;
};

export type CallOptions = {
  /** Ends the call, and what follows from it, with the signal's reason. */
  readonly signal?: AbortSignal;
};

/** C2: everything below `nextOffset` is certified. It takes no offset. */
export type CertificateEvent = {
  readonly kind: "certificate";
  readonly epoch: number;
  readonly height: number;
  /** Hash of the chunk at that height. */
  readonly chunk: string;
  readonly nextOffset: number;
  /** Canonical bytes, as hex. */
  readonly certificate: string;
};

/** A record of the feed. Those of kind `rollback` void what the reader holds between `keepThrough` and themselves. */
export type FeedEvent = FeedRecord | CertificateEvent;

export type FollowOptions = CallOptions & {
  /** Exclusive: what the reader has already. 0, from the beginning, when not given. */
  readonly fromOffset?: number;
  /** The history that `fromOffset` belongs to; the one that is found when not given. */
  readonly era?: string;
  /** Whether to take many records in one frame; true when not given. */
  readonly batch?: boolean;
  /** Whether to be told of certificates, under a committee; false when not given. */
  readonly certificates?: boolean;
};

/** One page of the feed (F7). */
export type FeedSlice = {
  readonly era: string;
  readonly generation: number;
  readonly availableFrom: number;
  readonly head: number;
  readonly records: readonly FeedRecord[];
  readonly nextOffset: number;
};

export type FeedSliceOptions = CallOptions & {
  readonly fromOffset?: number;
  /** 1 to 1 000; the sequencer's default when not given. */
  readonly limit?: number;
  readonly era?: string;
};

/** What a replica did. `restored`: its state is a snapshot's, and records up to `offset` were not shown. */
export type ReplicaEvent = FeedRecord | { readonly kind: "restored"; readonly offset: number };

export type ReplicaOptions = CallOptions & {
  /** Called after each record, when `state` has it; must not throw, and must not execute anything. */
  readonly onEvent?: (event: ReplicaEvent, state: ApplicationState) => void;
  /** Executed records between two states that are kept for rollbacks; 1 000 when not given. */
  readonly checkpointRecords?: number;
};

/** The sequencer's state, here. It ends with the options' `signal`. */
export type Replica = {
  /** To be read only, and anew each time: after a rollback it is another object. */
  readonly state: ApplicationState;
  /** The last record that `state` has. */
  readonly offset: number;
  readonly era: string;
  /** When `offset` has come that far. Rejects with `ended`'s reason. */
  readonly reached: (offset: number) => Promise<void>;
  /** Never resolves. Rejects when the replica cannot go on, or its signal aborts. */
  readonly ended: Promise<never>;
};

/** Every method but `follow` throws `BatonError`, with the sequencer's code where it answered. */
export type Client = {
  /** Without a slash at the end. */
  readonly url: string;
  readonly domain: (options?: CallOptions) => Promise<Domain>;
  readonly deployment: (options?: CallOptions) => Promise<DeploymentBody>;
  readonly fee: (options?: CallOptions) => Promise<FeeQuote>;
  /** The nonce that the sender's next op must carry. */
  readonly nonce: (sender: string, options?: CallOptions) => Promise<number>;
  /** Also when the sequencer does not serve, which is an answer too. */
  readonly health: (options?: CallOptions) => Promise<HealthBody>;
  readonly overview: (options?: CallOptions) => Promise<OverviewBody>;
  /** `NOT_FOUND` when there is no such op. */
  readonly transaction: (
    sender: string,
    nonce: number,
    options?: CallOptions,
  ) => Promise<Transaction>;
  /** What receipts are verified with. A verifier that trusts nobody knows `genesis` from elsewhere. */
  readonly epochs: (options?: CallOptions) => Promise<Epochs>;
  readonly feed: (options?: FeedSliceOptions) => Promise<FeedSlice>;
  /** Signs the op and submits it. Ops of one account are submitted one after the other. */
  readonly send: (op: OpRequest, account: Account, options?: CallOptions) => Promise<SentOp>;
  /** Signs an op and does not submit it. */
  readonly sign: (
    op: Required<OpRequest>,
    account: Account,
    options?: CallOptions,
  ) => Promise<SignedOp>;
  /** Submits an op that was signed before, as often as it takes (I4). */
  readonly submit: (op: SignedOp, options?: CallOptions) => Promise<SentOp>;
  /** Every record after `fromOffset`, each once, for as long as it is read. Resumes by itself. */
  readonly follow: (options?: FollowOptions) => AsyncIterable<FeedEvent>;
  /** Resolves when the replica has everything that the sequencer had at the call. */
  readonly replica: <Config>(
    application: Application<Config>,
    options?: ReplicaOptions,
  ) => Promise<Replica>;
};
