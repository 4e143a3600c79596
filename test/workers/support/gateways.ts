/** The Worker in front of gateways and a sequencer that serves ops over a real L1. */

import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { encodeTransfer } from "../../../src/apps/wallet/method.ts";
import type { CountersBody } from "../../../src/core/api/overview.ts";
import type { SignedUserOp } from "../../../src/core/api/sequencer-api.ts";
import { type Address, parseAddress } from "../../../src/core/types/hex.ts";
import { devAccounts } from "../../../src/local/accounts.ts";
import { signTransfer } from "../../../src/local/sign-transfer.ts";
import worker from "../../../src/worker/index.ts";
import { type Chain, startChain } from "./chain.ts";
import type { Sequencer } from "./committee.ts";
import { user } from "./history.ts";
import { configure, tickUntil } from "./serving.ts";

export const GATEWAYS = 2;
/** Development accounts that neither deployed the contracts nor post batches. */
const accounts = devAccounts().slice(2, 6);
export const senders: readonly Address[] = accounts.map(({ address }) => address);

export type Answer = {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Readonly<Record<string, unknown>>;
};

export type Front = {
  readonly chain: Chain;
  /** A new stub each time: one that saw its object die fails for ever. */
  sequencer(): Sequencer;
  gateway(shard: number): Gateway;
  /** Posts a signed transfer. */
  transfer(from: number, nonce: number, units?: bigint): Promise<Answer>;
  nextNonce(from: number): Promise<number>;
  /** Kills a gateway's object; the next request makes a new one. */
  kill(shard: number): Promise<void>;
  /** Of the sequencer, since it woke. */
  counters(): Promise<CountersBody>;
};

export type Gateway = ReturnType<typeof env.GATEWAY.getByName>;

/** Serves the senders above, each through the gateway of its address. */
export async function serveWithGateways(): Promise<Front> {
  const chain = await startChain();
  for (const sender of senders) await chain.deposit(sender, 10n ** 15n);
  await chain.mine(2);
  const vars = { ...chain.vars, SEQ_GATEWAYS: String(GATEWAYS) };
  const sequencer = () => env.SEQUENCER.getByName(chain.rollups.app.toLowerCase());
  await configure(vars, () => sequencer().health());
  await tickUntil(sequencer(), async () => (await sequencer().health()).mode === "serving");
  const front = frontOf(chain, vars, sequencer);
  for (let shard = 0; shard < GATEWAYS; shard++) await front.kill(shard);
  return front;
}

function frontOf(
  chain: Chain,
  vars: Readonly<Record<string, string>>,
  sequencer: () => Sequencer,
): Front {
  const gateway = (shard: number) => env.GATEWAY.getByName(`gateway:${shard}`);
  return {
    ...{ chain, sequencer, gateway },
    transfer: (from, nonce, units) => post(vars, "/tx", signedTransfer(chain, from, nonce, units)),
    nextNonce: async (from) => {
      const next = await sequencer().nextNonce(senderAt(from));
      return next.ok ? next.value : expect.fail(next.error.message);
    },
    kill: (shard) => restart(() => gateway(shard), vars),
    counters: async () => {
      const overview = await sequencer().overview();
      return overview.ok ? overview.value.counters : expect.fail(overview.error.message);
    },
  };
}

/** Ends the object where it stands, and lets the next life find the variables. */
export async function restart(
  gateway: () => Gateway,
  vars: Readonly<Record<string, string>>,
): Promise<void> {
  await runInDurableObject(gateway(), (_object, state) => state.abort("killed by the test")).catch(
    // That is how a call to an object that dies ends.
    () => undefined,
  );
  await configure(vars, () => runInDurableObject(gateway(), () => undefined));
}

/** The body of a transfer of one of the senders. */
export function signedTransfer(
  { rollups }: Chain,
  from: number,
  nonce: number,
  units = 5n,
): string {
  const account = accounts[from] ?? expect.unreachable("a funded account");
  const app = parseAddress(rollups.app.toLowerCase()) ?? expect.unreachable("an address");
  const domain = { chainId: rollups.chainId, verifyingContract: app };
  return signTransfer(domain, { from: account, to: user(1), units, nonce, maxFee: 2_000 });
}

/** To the Worker, whose environment these variables are. */
export async function post(
  vars: Readonly<Record<string, string>>,
  path: string,
  body: string,
): Promise<Answer> {
  const fetch = worker.fetch ?? expect.fail("the Worker answers requests");
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  const request = new Request(`https://baton.test${path}`, init) as Parameters<typeof fetch>[0];
  const response = await fetch(request, { ...env, ...vars }, createExecutionContext());
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    body: await response.json(),
  };
}

/** A transfer as the Worker hands it on, when it has verified its sender. */
export function verifiedTransfer(from: number, nonce: number): SignedUserOp {
  const signature = new Uint8Array(65).fill(from + 1);
  return {
    sender: senderAt(from),
    nonce,
    maxFee: 2_000,
    data: encodeTransfer(5n, user(1)),
    signature,
  };
}

export function senderAt(from: number): Address {
  return senders[from] ?? expect.unreachable("a sender");
}
