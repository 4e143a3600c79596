/** The wallet, but with ops and inputs at which it throws, as an application with a bug would. */

import { type WalletConfig, walletApplication } from "../../../src/apps/wallet/wallet.ts";
import type { Application, ApplicationState } from "../../../src/core/application/application.ts";

export type Poison = {
  /** First byte of the `data` at which each method throws. */
  readonly inValidate: number;
  readonly inApply: number;
  readonly inDirect: number;
};

export const POISON: Poison = { inValidate: 0xe0, inApply: 0xe1, inDirect: 0xe2 };

export const faultyApplication: Application<WalletConfig> = {
  ...walletApplication,
  genesis: (config) => poisoned(walletApplication.genesis(config)),
  restore: (config, bytes) => {
    const restored = walletApplication.restore(config, bytes);
    return restored.ok ? { ok: true, value: poisoned(restored.value) } : restored;
  },
};

function poisoned(state: ApplicationState): ApplicationState {
  const check = (data: Uint8Array, poison: number) => {
    if (data[0] === poison) throw new Error("a bug of the application");
  };
  return {
    progress: () => state.progress(),
    nextNonce: (sender) => state.nextNonce(sender),
    validateUserOp: (sender, op, fee) => {
      check(op.data, POISON.inValidate);
      return state.validateUserOp(sender, op, fee);
    },
    applyUserOp: (op, safeBlock) => {
      // The state moves first, so that what a failed transaction leaves behind in memory shows.
      const outputs = state.applyUserOp(op, safeBlock);
      check(op.data, POISON.inApply);
      return outputs;
    },
    applyDirectInput: (input) => {
      const outputs = state.applyDirectInput(input);
      check(input.payload, POISON.inDirect);
      return outputs;
    },
    snapshot: () => state.snapshot(),
  };
}
