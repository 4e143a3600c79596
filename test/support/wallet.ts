/** The wallet in given states, and its snapshot bytes written a second time and plainly. */

import { type WalletConfig, walletApplication } from "../../src/apps/wallet/wallet.ts";
import type {
  ApplicationState,
  DirectInput,
  Output,
} from "../../src/core/application/application.ts";
import { type Address, address, toHex } from "../../src/core/types/hex.ts";
import { blockNumber, feeExponent } from "../../src/core/types/units.ts";

export const ALICE: Address = address(`0x${"a1".repeat(20)}`);
export const BOB: Address = address(`0x${"b0".repeat(20)}`);
export const PORTAL: Address = address(`0x${"90".repeat(20)}`);
export const TOKEN: Address = address(`0x${"70".repeat(20)}`);
export const RECIPIENT: Address = address(`0x${"fe".repeat(20)}`);

export const CONFIG: WalletConfig = {
  erc20Portal: PORTAL,
  token: TOKEN,
  feeRecipient: RECIPIENT,
};

/** Exponent 0 is one unit: there is no free op. */
export const LOWEST_FEE = { fee: feeExponent(0), safeBlock: blockNumber(0) };

export type WalletFields = {
  readonly balances?: readonly (readonly [Address, bigint])[];
  readonly nonces?: readonly (readonly [Address, number])[];
  readonly count?: number;
  readonly clock?: number;
};

/** Entries in the order given: a test may give a wrong one. */
export function walletBytes(fields: WalletFields, config: WalletConfig = CONFIG): Uint8Array {
  const { balances = [], nonces = [], count = 1, clock = 0 } = fields;
  const digits = [config.erc20Portal, config.token, config.feeRecipient].map((a) => a.slice(2));
  digits.push(little(84n, 4), little(84n + 52n * BigInt(balances.length), 4));
  digits.push(little(BigInt(count), 8), little(BigInt(clock), 8));
  for (const [account, balance] of balances) {
    digits.push(account.slice(2), balance.toString(16).padStart(64, "0"));
  }
  for (const [account, nonce] of nonces) digits.push(account.slice(2), little(BigInt(nonce), 4));
  return Uint8Array.from(Buffer.from(digits.join(""), "hex"));
}

function little(value: bigint, width: number): string {
  const digits = value.toString(16).padStart(2 * width, "0");
  return Buffer.from(digits, "hex").reverse().toString("hex");
}

export function restored(fields: WalletFields, config: WalletConfig = CONFIG): ApplicationState {
  const state = walletApplication.restore(config, walletBytes(fields, config));
  if (!state.ok) throw new Error(state.error);
  return state.value;
}

/** Alice has `balance`, nobody else has anything, and one input was executed. */
export function funded(balance: bigint, config: WalletConfig = CONFIG): ApplicationState {
  return restored({ balances: [[ALICE, balance]] }, config);
}

/** Executes an op as validated, at the lowest fee unless told otherwise. */
export function run(
  state: ApplicationState,
  sender: Address,
  data: Uint8Array,
  frame: { readonly fee?: number; readonly safeBlock?: number } = {},
): readonly Output[] {
  const fee = feeExponent(frame.fee ?? 0);
  return state.applyUserOp({ sender, fee, data }, blockNumber(frame.safeBlock ?? 0));
}

export function direct(sender: Address, payload: Uint8Array, block = 0): DirectInput {
  return { sender, blockNumber: blockNumber(block), payload };
}

export function depositPayload(token: Address, sender: Address, value: bigint): Uint8Array {
  const digits = token.slice(2) + sender.slice(2) + value.toString(16).padStart(64, "0");
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** 5 units of the token for Alice. */
export const DEPOSIT: Uint8Array = depositPayload(TOKEN, ALICE, 5n);

/** What `account` has by the snapshot's bytes; null when it is not in them. */
export function balanceIn(state: ApplicationState, account: Address): bigint | null {
  const bytes = state.snapshot();
  const end = new DataView(bytes.buffer, bytes.byteOffset).getUint32(64, true);
  for (let at = 84; at < end; at += 52) {
    if (toHex(bytes.subarray(at, at + 20)) === account) {
      return BigInt(toHex(bytes.subarray(at + 20, at + 52)));
    }
  }
  return null;
}
