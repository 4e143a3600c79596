/** Signed ops for a run, and the money of those who send them. */

import { run, type Script } from "../src/local/load/load.ts";
import type { Stack } from "../src/local/stack-options.ts";
import { keyFromHex, type Sender, senderOf, signedTransfer, signerFor } from "./ops.ts";

/** Test tokens of each sender: enough for every fee of a run. */
const FUNDING = 200_000_000n;

/** Transfers of one unit, with the sender's next nonces. */
export function scriptOf(
  signer: ReturnType<typeof signerFor>,
  sender: Sender,
  to: Sender,
  count: number,
): Script {
  const keys: string[] = [];
  const bodies = Array.from({ length: count }, () => {
    keys.push(`${sender.address}:${sender.nonce}`);
    return signedTransfer(signer, sender, to.address, 1n);
  });
  return { bodies, keys };
}

/** Each of the ten funded accounts pays its share of the senders, through the sequencer itself. */
export async function fund(stack: Stack, senders: readonly Sender[]): Promise<void> {
  const signer = signerFor(stack.chainId, stack.app);
  const scripts = stack.accounts.slice(0, 10).map((account, i): Script => {
    const from = senderOf(keyFromHex(account.privateKey));
    const mine = senders.filter((_, j) => j % 10 === i);
    const keys = mine.map((_, j) => `${from.address}:${j}`);
    return { keys, bodies: mine.map((to) => signedTransfer(signer, from, to.address, FUNDING)) };
  });
  const funded = await run(stack.url, scripts);
  if (funded.rejected > 0) throw new Error(`${funded.rejected} funding transfers were refused`);
}
