/**
 * The example application: deposits of one ERC-20 token, transfers, withdrawals (P§7.2).
 *
 * A failed transfer or withdrawal is an included op: it pays its fee, uses its nonce and does nothing
 * else. Fees go to the configured recipient, at the frame's fee.
 */

import type {
  Application,
  ApplicationState,
  ConfigProblem,
  DirectInput,
  InvalidReason,
  Output,
  Progress,
  UserOp,
  ValidUserOp,
} from "../../core/application/application.ts";
import { Journal } from "../../core/application/journal.ts";
import { feeToLinear } from "../../core/fee/log-fee.ts";
import { assert } from "../../core/types/assert.ts";
import { type Address, parseAddress } from "../../core/types/hex.ts";
import { STATE_BYTES_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { UINT256_MAX } from "../../core/types/uint256.ts";
import type { BlockNumber, FeeExponent } from "../../core/types/units.ts";
import { checksumAddress } from "../../core/wire/address.ts";
import {
  decodeDeposit,
  decodeMethod,
  depositNotice,
  METHOD_BYTES_MAX,
  transferNotice,
  withdrawalVoucher,
} from "./method.ts";
import { decodeSnapshot, encodeSnapshot, type WalletConfig } from "./snapshot.ts";

/** Where the contracts of the development chain are; the portal's address is part of the state. */
const DEVNET_PORTAL = "0xACA6586A0Cf05bD831f2501E7B4aea550dA6562D";
const DEVNET_TOKEN = "0x95d0c8A7d11342299807A2Fc19ac44C2321cCc68";

export type { WalletConfig };

export const walletApplication: Application<WalletConfig> = {
  name: "wallet",
  maxMethodPayloadBytes: METHOD_BYTES_MAX,
  stateBytesMax: STATE_BYTES_MAX,
  parseConfig,
  describeConfig: (config: WalletConfig): Readonly<Record<string, string | number>> => ({
    erc20_portal: checksumAddress(config.erc20Portal),
    erc20_token: checksumAddress(config.token),
    fee_recipient: checksumAddress(config.feeRecipient),
  }),
  parseDescription,
  genesis: (config: WalletConfig): ApplicationState =>
    new WalletState(config, new Map(), new Journal()),
  restore(config: WalletConfig, snapshot: Uint8Array): Result<ApplicationState, string> {
    const contents = decodeSnapshot(config, snapshot);
    if (!contents.ok) return contents;
    return ok(new WalletState(config, contents.value.balances, new Journal(contents.value)));
  },
};

function parseConfig(
  vars: Readonly<Record<string, unknown>>,
  context: { readonly submitter: Address },
): Result<WalletConfig, readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const read = (variable: string, fallback: string): Address => {
    const value = vars[variable];
    const text = typeof value === "string" && value.trim() !== "" ? value.trim() : fallback;
    const parsed = parseAddress(text);
    if (parsed === null) problems.push({ variable, problem: "must be 0x and 40 hex digits" });
    return parsed ?? context.submitter;
  };
  const config = {
    erc20Portal: read("SEQ_ERC20_PORTAL_ADDRESS", DEVNET_PORTAL),
    token: read("SEQ_ERC20_TOKEN_ADDRESS", DEVNET_TOKEN),
    feeRecipient: read("SEQ_FEE_RECIPIENT", context.submitter),
  };
  return problems.length === 0 ? ok(config) : err(problems);
}

function parseDescription(description: Readonly<Record<string, unknown>>): WalletConfig | null {
  const read = (name: string): Address | null => {
    const text = description[name];
    return typeof text === "string" ? parseAddress(text) : null;
  };
  const erc20Portal = read("erc20_portal");
  const token = read("erc20_token");
  const feeRecipient = read("fee_recipient");
  if (erc20Portal === null || token === null || feeRecipient === null) return null;
  return { erc20Portal, token, feeRecipient };
}

class WalletState implements ApplicationState {
  readonly #config: WalletConfig;
  readonly #balances: Map<Address, bigint>;
  readonly #journal: Journal;

  constructor(config: WalletConfig, balances: ReadonlyMap<Address, bigint>, journal: Journal) {
    this.#config = config;
    this.#balances = new Map(balances);
    this.#journal = journal;
  }

  progress(): Progress {
    return this.#journal.progress();
  }

  nextNonce(sender: Address): number {
    return this.#journal.nextNonce(sender);
  }

  validateUserOp(sender: Address, op: UserOp, fee: FeeExponent): InvalidReason | null {
    const refused = this.#journal.refuseNonce(sender, op.nonce);
    if (refused !== null) return refused;
    const required = feeToLinear(fee);
    const available = this.#balanceOf(sender);
    return available < required ? { reason: "insufficient-balance", required, available } : null;
  }

  applyUserOp(op: ValidUserOp, safeBlock: BlockNumber): readonly Output[] {
    const { sender } = op;
    const fee = feeToLinear(op.fee);
    assert(this.#balanceOf(sender) >= fee, "a validated op can pay its fee");
    this.#journal.useNonce(sender);
    this.#debit(sender, fee);
    this.#credit(this.#config.feeRecipient, fee);
    const outputs = this.#applyMethod(sender, op.data);
    this.#journal.advance(safeBlock);
    return outputs;
  }

  applyDirectInput(input: DirectInput): readonly Output[] {
    const outputs = this.#applyDeposit(input);
    this.#journal.advance(input.blockNumber);
    return outputs;
  }

  snapshot(): Uint8Array {
    return encodeSnapshot(this.#config, {
      balances: this.#balances,
      ...this.#journal.contents(),
    });
  }

  #applyMethod(sender: Address, data: Uint8Array): readonly Output[] {
    const method = decodeMethod(data);
    if (method === null || this.#balanceOf(sender) < method.amount) return [];
    this.#debit(sender, method.amount);
    if (method.kind === "withdrawal") {
      return [withdrawalVoucher(this.#config.token, sender, method.amount)];
    }
    this.#credit(method.to, method.amount);
    return [transferNotice(sender, method.to, method.amount)];
  }

  #applyDeposit(input: DirectInput): readonly Output[] {
    if (input.sender !== this.#config.erc20Portal) return [];
    const deposit = decodeDeposit(input.payload);
    if (deposit === null || deposit.token !== this.#config.token) return [];
    this.#credit(deposit.sender, deposit.value);
    return [depositNotice(deposit.token, deposit.sender, deposit.value)];
  }

  #balanceOf(account: Address): bigint {
    return this.#balances.get(account) ?? 0n;
  }

  /** Asserts that the sum fits: only a token whose supply overflows can get there. */
  #credit(account: Address, amount: bigint): void {
    const balance = this.#balanceOf(account) + amount;
    assert(balance <= UINT256_MAX, "a balance fits in 256 bits");
    this.#balances.set(account, balance);
  }

  #debit(account: Address, amount: bigint): void {
    this.#balances.set(account, this.#balanceOf(account) - amount);
  }
}
