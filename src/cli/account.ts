/**
 * Whose money a command moves: a key from a file, from `BATON_PRIVATE_KEY`, or a development chain's own.
 *
 * A key is never a word of the command line, which other users of the machine see. The ten accounts that
 * everybody knows are for sequencers on this machine only.
 */

import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import { judgeUrl } from "../core/config/config.ts";
import { addressOfPrivateKey } from "../crypto/key.ts";
import { devAccounts } from "../local/accounts.ts";
import { CommandFailure, type Io, readText, variable } from "./io.ts";
import { type AccountFlags, requireOne } from "./options.ts";

export type Key = `0x${string}`;

const VARIABLE = "BATON_PRIVATE_KEY";
const FILE_BYTES_MAX = 4096;
const KEY = /^(?:0x)?([0-9a-fA-F]{64})$/;

/** Whether the URL is of this machine. */
export function isLoopback(url: string): boolean {
  return judgeUrl(url.replace(/^https:/i, "http:")) === "private";
}

/** Throws `CommandFailure` unless exactly one key is named, and is one. */
export async function keyOf(io: Io, flags: AccountFlags, url: string): Promise<Key> {
  const { account, privateKeyFile } = flags;
  requireOne([
    ["--account", account !== undefined],
    ["--private-key-file", privateKeyFile !== undefined],
  ]);
  if (account !== undefined) return devKey(account, url);
  if (privateKeyFile !== undefined) {
    return parseKey(await readText(io, privateKeyFile, FILE_BYTES_MAX), "--private-key-file");
  }
  const given = variable(io, VARIABLE);
  if (given !== undefined) return parseKey(given, VARIABLE);
  throw new CommandFailure(
    `give --private-key-file or ${VARIABLE}, or --account 0 on a development chain`,
  );
}

export function signerOf(key: Key): PrivateKeyAccount {
  return privateKeyToAccount(key);
}

function devKey(index: number, url: string): Key {
  if (!isLoopback(url)) {
    throw new CommandFailure("--account is for a sequencer on this machine: its keys are public");
  }
  const found = devAccounts()[index];
  if (found === undefined) throw new CommandFailure("there are ten accounts");
  return found.privateKey;
}

/** `source` is named, never what it holds. */
function parseKey(text: string, source: string): Key {
  const digits = KEY.exec(text.trim())?.[1];
  if (digits === undefined || addressOfPrivateKey(`0x${digits}`) === null) {
    throw new CommandFailure(`${source} holds no private key`);
  }
  return `0x${digits}`;
}
