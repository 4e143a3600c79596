/** The words that several commands take, and how a word becomes a value. Nothing typed is repeated. */

import { type Command, InvalidArgumentError } from "commander";
import { type Address, type Hash32, hash32, parseAddress } from "../core/types/hex.ts";
import { CommandFailure, type Io, variable } from "./io.ts";
import { type Json, parseObject } from "./sequencer-client.ts";

/** Where `npm start` listens. */
export const DEFAULT_URL = "http://127.0.0.1:3000";

export type RpcFlags = { readonly rpcUrl?: string };
export type TokenFlags = { readonly token?: string; readonly tokenEnv?: string };
export type AccountFlags = { readonly account?: number; readonly privateKeyFile?: string };

export function withUrl(command: Command): Command {
  return command.argument("[url]", `the sequencer (default: BATON_URL, or ${DEFAULT_URL})`);
}

export function withRpc(command: Command): Command {
  return command.option(
    "--rpc-url <urls>",
    "Ethereum, several separated by commas; SEQ_ETH_RPC_URL when not given",
  );
}

export function withToken(command: Command): Command {
  return command
    .option("--token <token>", "the operator's token")
    .option("--token-env <name>", "the variable that holds the operator's token");
}

export function withAccount(command: Command): Command {
  return command
    .option("--account <n>", "the n-th account of a development chain on this machine", accountOf)
    .option("--private-key-file <file>", "0x and 64 hex digits; BATON_PRIVATE_KEY when not given");
}

export function withProgress(command: Command): Command {
  return command.option("--progress", "tell progress on stderr, also when it is no terminal");
}

/** The sequencer that a command is about: the word, or the variable, or the local one. */
export function urlOf(io: Io, word: string | undefined): string {
  return word ?? variable(io, "BATON_URL") ?? DEFAULT_URL;
}

export function counterOf(text: string): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
  if (value === null) throw new InvalidArgumentError("expected a number.");
  return value;
}

/** An integer from 1 to `most`. */
export function countOf(most: number): (text: string) => number {
  return (text) => {
    const value = counterOf(text);
    if (value < 1 || value > most) throw new InvalidArgumentError(`expected 1 to ${most}.`);
    return value;
  };
}

function accountOf(text: string): number {
  if (!/^[0-9]$/.test(text)) throw new InvalidArgumentError("expected 0 to 9.");
  return Number(text);
}

/** Smallest units of a token, below 2^256. */
export function unitsOf(text: string): bigint {
  const value = /^[0-9]{1,78}$/.test(text) ? BigInt(text) : null;
  if (value === null || value >= 2n ** 256n) {
    throw new InvalidArgumentError("expected an integer, in the token's smallest units.");
  }
  return value;
}

export function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new InvalidArgumentError("expected 0x and 40 hex digits.");
  return parsed;
}

export function hashOf(text: string): Hash32 {
  if (!/^0x[0-9a-f]{64}$/.test(text)) {
    throw new InvalidArgumentError("expected 0x and 64 hex digits.");
  }
  return hash32(text);
}

export function hexOf(text: string): string {
  if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(text)) {
    throw new InvalidArgumentError("expected 0x and hex digits.");
  }
  return text.toLowerCase();
}

export function jsonOf(text: string): Json {
  const value = parseObject(text);
  if (value === null) throw new InvalidArgumentError("expected a JSON object.");
  return value;
}

/** Throws `CommandFailure` when more than one of them is given. */
export function requireOne(given: readonly (readonly [name: string, isGiven: boolean])[]): void {
  const names = given.filter(([, isGiven]) => isGiven).map(([name]) => name);
  if (names.length > 1) throw new CommandFailure(`give ${names.join(" or ")}, not both`);
}
