/** What tests of snapshots share: options that make them frequent, a padded wallet, and questions. */

import { type WalletConfig, walletApplication } from "../../../src/apps/wallet/wallet.ts";
import type { Application, ApplicationState } from "../../../src/core/application/application.ts";
import { closeBatch } from "./history.ts";
import type { Rig, RigOptions } from "./rig.ts";

export const MIB: number = 1024 * 1024;

/** Batches close by age every second, and a snapshot is due after a minute. */
export const QUICK: RigOptions = {
  vars: { SEQ_BATCH_LINGER_SECONDS: "1", SEQ_MAX_BATCH_OPEN_SECONDS: "1" },
};
/** A snapshot with every seal. */
export const EACH: RigOptions = { vars: { ...QUICK.vars, SEQ_SNAPSHOT_SECONDS: "1" } };

/** Indices of the batches whose seal carries a snapshot; null is the genesis state. */
export const taken = (rig: Rig): readonly (number | null)[] =>
  rig.sql
    .exec<{ b: number | null }>("SELECT batch_index AS b FROM snapshots ORDER BY snapshot_id")
    .toArray()
    .map(({ b }) => b);

export function finalized(rig: Rig): unknown {
  const answer = rig.snapshots.finalized();
  return answer.ok ? [answer.value.inclusion_block, answer.value.l2_tx_index] : answer.error.status;
}

export const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

/** Empty batches, one a second. */
export function sealBatches(rig: Rig, batches: number): void {
  for (let i = 0; i < batches; i++) closeBatch(rig);
}

/** The wallet with `bytes` bytes behind its state: what a large application would store. */
export function padded(bytes: number): Application<WalletConfig> {
  const pad = (state: ApplicationState): ApplicationState =>
    Object.assign(Object.create(state), {
      progress: () => state.progress(),
      nextNonce: state.nextNonce.bind(state),
      validateUserOp: state.validateUserOp.bind(state),
      applyUserOp: state.applyUserOp.bind(state),
      applyDirectInput: state.applyDirectInput.bind(state),
      snapshot: () => {
        const own = state.snapshot();
        const all = new Uint8Array(bytes).fill(own.length % 251);
        all.set(own);
        return all;
      },
    });
  return {
    ...walletApplication,
    genesis: (config) => pad(walletApplication.genesis(config)),
  };
}
