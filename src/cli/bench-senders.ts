/** Who sends in a bench of a given sequencer: accounts with money, each with its next nonces. */

import { createHash } from "node:crypto";
import { mnemonicToAccount } from "viem/accounts";
import { encodeTransfer } from "../apps/wallet/method.ts";
import { must } from "../core/types/assert.ts";
import { type Address, fromHex, toHex } from "../core/types/hex.ts";
import { domainSeparator } from "../core/wire/user-op.ts";
import { addressOfPrivateKey } from "../crypto/key.ts";
import type { Script } from "../local/load/load.ts";
import { type OpSigner, signOp } from "../local/sign-op.ts";
import type { Client } from "../sdk/client-types.ts";
import { type Key, signerOf } from "./account.ts";
import { CommandFailure, type Io, readText, variable } from "./io.ts";

export type Sender = OpSigner;

const MNEMONIC_BYTES_MAX = 4096;

/** The first `count` accounts of a mnemonic, by the path that wallets use. Throws `CommandFailure`. */
export function sendersOfMnemonic(mnemonic: string, count: number): readonly Sender[] {
  try {
    return Array.from({ length: count }, (_, addressIndex) => {
      const key = mnemonicToAccount(mnemonic, { addressIndex }).getHdKey().privateKey;
      return senderOf(must(key, "a derived account has a key"));
    });
  } catch {
    // What the library throws may repeat the words.
    throw new CommandFailure("that is no mnemonic");
  }
}

/** From a file, else `BATON_MNEMONIC`; undefined when neither is there. */
export async function mnemonicOf(io: Io, file: string | undefined): Promise<string | undefined> {
  const text =
    file === undefined
      ? variable(io, "BATON_MNEMONIC")
      : await readText(io, file, MNEMONIC_BYTES_MAX);
  return text?.trim().replace(/\s+/g, " ");
}

/**
 * Accounts that only the holder of `key` can make, the same in every run: what a run leaves on them is
 * there for the next one.
 */
export function derivedSenders(key: Key, count: number): readonly Sender[] {
  return Array.from({ length: count }, (_, i) => {
    const digest = createHash("sha256")
      .update(`baton/bench/v1/${i}/`)
      .update(fromHex(key))
      .digest();
    return senderOf(new Uint8Array(digest));
  });
}

/** Pays `units` to every sender that has not been paid before, in order. */
export async function fundSenders(
  client: Client,
  by: {
    readonly key: Key;
    readonly senders: readonly Sender[];
    readonly units: bigint;
    readonly onPaid: (paid: number) => void;
  },
): Promise<void> {
  const { key, senders, units, onPaid } = by;
  const funder = signerOf(key);
  for (const [i, { address }] of senders.entries()) {
    await client.send({ data: encodeTransfer(units, address) }, funder);
    onPaid(i + 1);
  }
}

/** Transfers of one unit to the next sender, signed before the clock starts. */
export async function scriptsOf(
  client: Client,
  senders: readonly Sender[],
  opsOfEach: number,
): Promise<readonly Script[]> {
  const separator = domainSeparator(await client.domain());
  const { suggested_max_fee: maxFee } = await client.fee();
  const scripts: Script[] = [];
  for (const [i, sender] of senders.entries()) {
    const first = await client.nonce(sender.address);
    const to: Address = (senders[(i + 1) % senders.length] ?? sender).address;
    const nonces = Array.from({ length: opsOfEach }, (_, j) => first + j);
    const data = encodeTransfer(1n, to);
    scripts.push({
      bodies: nonces.map((nonce) => signOp(separator, sender, { nonce, maxFee, data })),
      keys: nonces.map((nonce) => `${sender.address}:${nonce}`),
    });
  }
  return scripts;
}

function senderOf(key: Uint8Array): Sender {
  return { key, address: must(addressOfPrivateKey(toHex(key)), "a scalar in the curve's order") };
}
