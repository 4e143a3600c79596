/** What a local stack is started with, and what whoever started it has. */

import { BUNDLE, type Bundle } from "../../scripts/build.ts";
import { walletApplication } from "../apps/wallet/wallet.ts";
import type { Application } from "../core/application/application.ts";
import type { Address } from "../core/types/hex.ts";
import type { DevAccount } from "./accounts.ts";
import type { CommitteeOptions } from "./committee.ts";
import type { Member } from "./members.ts";

/** The Worker of a rollup, and the application that is in it. */
export type Rollup = { readonly bundle: Bundle; readonly application: Application };

export type StackOptions = {
  readonly dataDir: string;
  /** Default 127.0.0.1. */
  readonly httpHost?: string;
  /** 0, the default: any free port. */
  readonly httpPort?: number;
  /** 0, the default: any free port. */
  readonly anvilPort?: number;
  /** Seconds from block to block, default 1; null: blocks come from `mine` only. */
  readonly blockTimeS?: number | null;
  /** Blocks by which the safe head trails, default 8. */
  readonly slotsInEpoch?: number;
  /** Saves the chain every few seconds, the default. Without it a crash is the chain's end. */
  readonly savesChain?: boolean;
  /** Begins anew: forgets the chain, the database and the operator token. */
  readonly fresh?: boolean;
  /** Null, the default: one sequencer alone. */
  readonly committee?: CommitteeOptions | null;
  /** The URL by which the sequencer reaches L1, from anvil's own, its default. */
  readonly l1Url?: (anvilUrl: string) => Promise<string>;
  /** What runs on it; the wallet when not given. */
  readonly rollup?: Rollup;
  /** `SEQ_` variables that override the devnet's. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Told what is going on, in a line. */
  readonly log?: (line: string) => void;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
};

export type Stack = {
  /** The sequencer. */
  readonly url: string;
  /** L1. */
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly app: Address;
  readonly inputBox: Address;
  readonly erc20Portal: Address;
  readonly token: Address;
  readonly submitter: Address;
  readonly operatorToken: string;
  /** The ten funded accounts. */
  readonly accounts: readonly DevAccount[];
  /** Hash of the committee's first record, by which receipts are verified; null without a committee. */
  readonly genesis: string | null;
  /** Members of the committee that have processes of their own. */
  readonly members: readonly Member[];
  readonly pids: { readonly anvil: number; readonly workerd: number };
  /** Resolves, with a line that says so, when a process ends that nobody stopped. */
  readonly failed: Promise<string>;
  mine(blocks: number): Promise<void>;
  /** On return no block comes but from `mine`, until `resumeBlocks`. */
  pauseBlocks(): Promise<void>;
  /** Blocks come again, one every `blockTimeS`. */
  resumeBlocks(): void;
  /** SIGKILL. */
  killWorkerd(): Promise<void>;
  /** Starts it again, on the same port. It may be that it does not serve: see `restartWorkerd`. */
  startWorkerd(): Promise<void>;
  /** Starts it again, on the same port, and waits until it would take an op. */
  restartWorkerd(): Promise<void>;
  /** Saves the chain and stops everything. May be called twice. */
  stop(): Promise<void>;
};

export const DEFAULTS = {
  httpHost: "127.0.0.1",
  httpPort: 0,
  anvilPort: 0,
  blockTimeS: 1,
  slotsInEpoch: 8,
  savesChain: true,
  fresh: false,
  committee: null,
  l1Url: (anvilUrl) => Promise.resolve(anvilUrl),
  rollup: { bundle: BUNDLE, application: walletApplication },
  vars: {},
  log: () => undefined,
  signal: new AbortController().signal,
} as const satisfies Omit<StackOptions, "dataDir">;

export type Settings = Required<StackOptions>;
