/**
 * Configuration: strings in, one `Config` or every problem at once (decisions section 9).
 *
 * Pure, so the Worker, the sequencer object and the local runner refuse exactly the same things.
 * Secrets stay in `secrets`, apart from what may be printed; no problem text repeats a value.
 */

import { GATEWAYS_MAX } from "../api/gateway-api.ts";
import type { Application, ConfigProblem } from "../application/application.ts";
import { type Address, parseAddress, ZERO_ADDRESS } from "../types/hex.ts";
import { FRAME_CLOCK_INTERVAL_SAFE_BLOCKS, MAX_WAIT_BLOCKS } from "../types/protocol.ts";
import { err, ok, type Result } from "../types/result.ts";
import { type CommitteeConfig, readCommittee, type ValidatorMode } from "./committee.ts";
import { type RelaysConfig, readRelays } from "./relays.ts";

/** Variables by name, as the platform gives them. */
export type Vars = Readonly<Record<string, unknown>>;

export type Secrets = {
  /** 0x and 64 digits. */
  readonly submitterKey: string;
  /** Null: operator routes answer 404. */
  readonly operatorToken: string | null;
  /** For `GET /metrics` alone, beside the operator's. */
  readonly metricsToken: string | null;
  /** RPC URLs carry API keys. At least one; a tick uses one. */
  readonly rpcUrls: readonly string[];
  /** C9: seals the keys of validators and candidates. 0x and 64 digits; null without a committee. */
  readonly validatorKek: string | null;
};

export type Timing = {
  /** Lower estimate (R6). */
  readonly secondsPerBlock: number;
  /** MAX_WAIT_BLOCKS less the preemptive margin: age at which a batch is in danger. */
  readonly dangerBlocks: number;
  readonly readStaleAfterBlocks: number;
  readonly batchLingerMs: number;
  readonly maxBatchOpenMs: number;
  readonly snapshotMs: number;
  readonly retentionMs: number;
  readonly submitterIdlePollMs: number;
  readonly confirmationDepth: number;
};

export type Config<AppConfig = unknown> = {
  readonly chainId: number;
  readonly app: Address;
  readonly submitter: Address;
  readonly appConfig: AppConfig;
  readonly timing: Timing;
  readonly longRangeCodes: readonly number[];
  readonly maxFeePerGasWei: bigint;
  readonly flushBudgetWei: bigint;
  /** Retention bounds of F8, in bytes; smaller only in tests. */
  readonly retentionBytes: number;
  readonly intakeBytesMax: number;
  /** Certified chunks that a validator keeps at most; smaller only in tests. */
  readonly archiveChunksMax: number;
  /** X2: gateways between the Worker and the sequencer; 0: each op is a call of its own. */
  readonly gateways: number;
  readonly relays: RelaysConfig;
  /** Null: one sequencer, without a committee. */
  readonly committee: CommitteeConfig | null;
  /** Ids of candidates and names of validators that are objects of this deployment. */
  readonly ownCandidates: readonly string[];
  readonly ownValidators: readonly string[];
  /** What they check (C4). */
  readonly validatorMode: ValidatorMode;
  readonly secrets: Secrets;
};

/** Blocks that S6 keeps free between the latest close of a batch and its danger. */
const OPEN_HEADROOM_BLOCKS = 60;
const GWEI = 1_000_000_000n;
/** Fees are stored as integers of wei, which stay below 2^53. */
const GWEI_MAX = 1_000_000;
const GIB = 1024 ** 3;
/** JSON-RPC codes with which the providers we know refuse a range that is too long. */
const LONG_RANGE_CODES = "-32005,-32012,-32600,-32602,-32616";
/** Scheme, host and port, without user info: what stands before the path is what is connected to. */
const URL_START =
  /^([a-z][a-z0-9+.-]*):\/\/(\[[0-9a-f:]+\]|[^/\\:?#@\s]+)(?::[0-9]{1,5})?(?=[/?#]|$)/i;

/**
 * `addressOf` derives the submitter's address and answers null for a key that is not one; it is an
 * argument because core holds no curve of its own choosing. Problems come in the table's order, after
 * those of variables, the application's too, that are no strings.
 */
export function parseConfig<AppConfig>(
  vars: Vars,
  application: Application<AppConfig>,
  addressOf: (key: string) => Address | null,
): Result<Config<AppConfig>, readonly ConfigProblem[]> {
  const read = new Reader(vars);
  const rpcUrls = read.rpcUrls();
  const chainId = read.integer("SEQ_CHAIN_ID", null, 1);
  const app = read.address("SEQ_APP_ADDRESS");
  const submitterKey =
    read.text("SEQ_BATCH_SUBMITTER_PRIVATE_KEY") ?? read.missing("SEQ_BATCH_SUBMITTER_PRIVATE_KEY");
  const submitter = submitterKey === "" ? null : addressOf(submitterKey);
  if (submitterKey !== "" && submitter === null) {
    read.problem("SEQ_BATCH_SUBMITTER_PRIVATE_KEY", "invalid private key");
  }
  const operatorToken = read.text("SEQ_OPERATOR_TOKEN");
  const metricsToken = read.text("SEQ_METRICS_TOKEN");
  const timing = readTiming(read);
  const longRangeCodes = read.codes();
  const maxFeePerGasWei = BigInt(read.integer("SEQ_MAX_FEE_PER_GAS_GWEI", 500, 1, GWEI_MAX)) * GWEI;
  const flushBudgetWei = read.wei("SEQ_FLUSH_BUDGET_WEI", 10n ** 17n);
  const retentionBytes = read.integer("SEQ_RETENTION_BYTES", 6 * GIB, 1);
  const intakeBytesMax = read.integer("SEQ_INTAKE_BYTES_MAX", 9 * GIB, 1);
  if (intakeBytesMax <= retentionBytes) {
    read.problem("SEQ_INTAKE_BYTES_MAX", "must be above SEQ_RETENTION_BYTES");
  }
  const archiveChunksMax = read.integer("SEQ_ARCHIVE_CHUNKS", 2_000_000, 1);
  const gateways = read.integer("SEQ_GATEWAYS", 0, 0, GATEWAYS_MAX);
  const relays = readRelays(read);
  const { validatorKek, ...members } = readCommittee(read);
  // Asked also when the key is refused, so that the application's problems are not a second deploy.
  const context = { submitter: submitter ?? ZERO_ADDRESS };
  const appConfig = application.parseConfig(vars, context);
  if (!appConfig.ok) read.problems.push(...appConfig.error);
  if (read.problems.length > 0 || app === null || submitter === null || !appConfig.ok) {
    return err(read.problems);
  }
  return ok({
    chainId,
    app,
    submitter,
    appConfig: appConfig.value,
    timing,
    longRangeCodes,
    maxFeePerGasWei,
    flushBudgetWei,
    retentionBytes,
    intakeBytesMax,
    archiveChunksMax,
    gateways,
    relays,
    ...members,
    secrets: { submitterKey, operatorToken, metricsToken, rpcUrls, validatorKek },
  });
}

function readTiming(read: Reader): Timing {
  const margin = read.integer("SEQ_PREEMPTIVE_MARGIN_BLOCKS", 300, 0);
  const secondsPerBlock = read.integer("SEQ_SECONDS_PER_BLOCK", 12, 1);
  const readStaleAfterBlocks = read.integer("SEQ_L1_READ_STALE_AFTER_BLOCKS", 600, 0);
  const lingerS = read.integer("SEQ_BATCH_LINGER_SECONDS", 600, 0);
  const maxOpenS = read.integer("SEQ_MAX_BATCH_OPEN_SECONDS", 7200, 1);
  const dangerBlocks = MAX_WAIT_BLOCKS - margin;
  if (margin <= 0 || margin >= MAX_WAIT_BLOCKS) {
    read.problem("SEQ_PREEMPTIVE_MARGIN_BLOCKS", `must be above 0 and below ${MAX_WAIT_BLOCKS}`);
  } else {
    if (readStaleAfterBlocks <= 0 || readStaleAfterBlocks >= dangerBlocks) {
      read.problem("SEQ_L1_READ_STALE_AFTER_BLOCKS", `must be above 0 and below ${dangerBlocks}`);
    }
    const openBlocks = dangerBlocks - 2 * FRAME_CLOCK_INTERVAL_SAFE_BLOCKS - OPEN_HEADROOM_BLOCKS;
    const openLimitS = Math.max(0, openBlocks) * secondsPerBlock;
    if (maxOpenS > openLimitS) {
      read.problem("SEQ_MAX_BATCH_OPEN_SECONDS", `must be at most ${openLimitS} with this timing`);
    }
  }
  if (lingerS > maxOpenS) {
    read.problem("SEQ_BATCH_LINGER_SECONDS", "must be at most SEQ_MAX_BATCH_OPEN_SECONDS");
  }
  return {
    secondsPerBlock,
    dangerBlocks,
    readStaleAfterBlocks,
    batchLingerMs: lingerS * 1000,
    maxBatchOpenMs: maxOpenS * 1000,
    snapshotMs: read.integer("SEQ_SNAPSHOT_SECONDS", 60, 1) * 1000,
    retentionMs: read.integer("SEQ_RETENTION_DAYS", 7, 0) * 86_400_000,
    submitterIdlePollMs: read.integer("SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS", 5000, 50),
    confirmationDepth: read.integer("SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH", 2, 0),
  };
}

/** Collects problems while it reads, so that an operator fixes them in one deploy. */
class Reader {
  readonly problems: ConfigProblem[] = [];
  readonly #vars: Vars;

  constructor(vars: Vars) {
    this.#vars = vars;
    // A number in wrangler.toml arrives as a number: read as unset, it would be a default unnoticed.
    for (const [name, value] of Object.entries(vars)) {
      if (name.startsWith("SEQ_") && !isTextOrUnset(value)) this.problem(name, "must be a string");
    }
  }

  problem(variable: string, problem: string): void {
    this.problems.push({ variable, problem });
  }

  missing(variable: string): "" {
    if (isTextOrUnset(this.#vars[variable])) this.problem(variable, "is required");
    return "";
  }

  /** Trimmed; null when unset or blank. */
  text(variable: string): string | null {
    const value = this.#vars[variable];
    if (typeof value !== "string" || value.trim() === "") return null;
    return value.trim();
  }

  /** `fallback` null means required. Refused values read as 0, behind a problem. */
  integer(variable: string, fallback: number | null, least: number, most?: number): number {
    const text = this.text(variable);
    if (text === null) {
      if (fallback === null) this.missing(variable);
      return fallback ?? 0;
    }
    if (!/^[0-9]{1,15}$/.test(text)) {
      this.problem(variable, "must be a decimal integer of at most 15 digits");
      return 0;
    }
    const value = Number(text);
    if (value < least) this.problem(variable, `must be at least ${least}`);
    if (most !== undefined && value > most) this.problem(variable, `must be at most ${most}`);
    return value;
  }

  wei(variable: string, fallback: bigint): bigint {
    const text = this.text(variable);
    if (text === null) return fallback;
    if (/^[0-9]{1,30}$/.test(text)) return BigInt(text);
    this.problem(variable, "must be a decimal integer of at most 30 digits");
    return 0n;
  }

  address(variable: string): Address | null {
    const text = this.text(variable);
    if (text === null) {
      this.missing(variable);
      return null;
    }
    const parsed = parseAddress(text);
    if (parsed === null) this.problem(variable, "must be 0x and 40 hex digits");
    return parsed;
  }

  codes(): readonly number[] {
    const variable = "SEQ_LONG_BLOCK_RANGE_ERROR_CODES";
    const codes = parseRangeCodes(this.text(variable));
    if (codes === null) this.problem(variable, "must be JSON-RPC codes separated by commas");
    return codes ?? [];
  }

  rpcUrls(): readonly string[] {
    const variable = "SEQ_ETH_RPC_URL";
    const text = this.text(variable);
    if (text === null) {
      this.missing(variable);
      return [];
    }
    const urls = text.split(",").map((part) => part.trim());
    for (const url of urls) {
      if (judgeUrl(url) === null) {
        this.problem(variable, "must be http or https URLs without user info");
      } else if (!this.isTrusted(url)) this.problem(variable, "remote RPC must use https");
    }
    return urls;
  }

  isTrusted(url: string): boolean {
    const insecure = this.text("SEQ_ALLOW_INSECURE_RPC");
    const trust = judgeUrl(url);
    return trust === "private" || (trust === "open" && (insecure === "true" || insecure === "1"));
  }
}

function isTextOrUnset(value: unknown): boolean {
  return typeof value === "string" || value === undefined || value === null;
}

/** `SEQ_LONG_BLOCK_RANGE_ERROR_CODES`, trimmed or null when unset. Null when it is no list of codes. */
export function parseRangeCodes(text: string | null): readonly number[] | null {
  const codes = (text ?? LONG_RANGE_CODES).split(",").map((part) => part.trim());
  return codes.every((code) => /^-?[0-9]{1,9}$/.test(code)) ? codes.map(Number) : null;
}

/**
 * Whether what is sent to `url` stays between the two ends: `private` is https or this machine, `open`
 * is http to another one. Null: no http or https URL without user info.
 */
export function judgeUrl(url: string): "private" | "open" | null {
  const [, scheme = "", host = ""] = URL_START.exec(url) ?? [];
  switch (scheme.toLowerCase()) {
    case "https":
      return "private";
    case "http":
      return /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/i.test(host) ? "private" : "open";
    default:
      return null;
  }
}
