/** What a test of the flush looks at: the no-ops' rows, what was sent, and the account's nonces. */

import { expect } from "vitest";
import { estimateFees, type Fees } from "../../../src/core/submission/fees.ts";
import { createSubmitter } from "../../../src/l1/submitter.ts";
import type { Chain } from "./chain.ts";
import { age, postAndForget, sealBatches } from "./danger.ts";
import { connect } from "./l1-rig.ts";
import type { Rig } from "./rig.ts";

export const rows = (rig: Rig) =>
  rig.sql
    .exec<{ slot: number; batch: number | null; sent: number; fee: number }>(
      `SELECT wallet_nonce AS slot, batch_index AS batch, broadcast_at_ms IS NOT NULL AS sent,
         max_fee_wei AS fee FROM submissions ORDER BY submission_id`,
    )
    .toArray();

export const noOps = (rig: Rig) => rows(rig).filter(({ batch }) => batch === null);
export const slots = (rig: Rig) => noOps(rig).map(({ slot, sent }) => [slot, sent === 1]);

export const nonce = async (chain: Chain, tag: string, rig: Rig) =>
  Number(await chain.rpc("eth_getTransactionCount", [rig.runtime.config.submitter, tag]));

export async function sends(chain: Chain): Promise<readonly unknown[]> {
  const requests = await chain.requests();
  return requests
    .filter(({ method }) => method === "eth_sendRawTransaction")
    .map(({ params }) => params[0]);
}

/** Batches posted, forgotten and late. */
export async function late(rig: Rig, chain: Chain, batches: number): Promise<void> {
  await sealBatches(rig, batches);
  await postAndForget(rig, chain);
  await age(rig, chain);
  expect(rig.service.derive()).toBe("recovering");
  await chain.fail([]);
}

export async function freshFees(chain: Chain): Promise<Fees> {
  const history = await connect(chain).feeHistory();
  return history.ok ? estimateFees(history.value) : expect.unreachable(history.error.reason);
}

/** A transaction of our key that no row knows, as another mempool might bring it back. */
export async function sendUnknown(rig: Rig, chain: Chain, walletNonce: number, fees: Fees) {
  const key = createSubmitter(rig.runtime.config.secrets.submitterKey);
  const terms = { walletNonce, gas: 21_000n, ...fees };
  const unknown = await key.signNoOp(rig.runtime.config.chainId, terms);
  expect(await connect(chain).broadcast(unknown.raw)).toMatchObject({ ok: true });
}

/** What a step of recovery says: the next one needs time, or can be taken at once. */
export const WAITS = { ok: true, value: false } as const;
export const GOES_ON = { ok: true, value: true } as const;
