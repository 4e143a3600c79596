/**
 * The composition root: which application this deployment runs (X4).
 *
 * Another rollup changes the first import, and nothing else in `src/worker`.
 */

import {
  type WalletConfig as AppConfig,
  walletApplication as application,
} from "../apps/wallet/wallet.ts";
import type { Vars } from "../core/config/config.ts";
import { SequencerObject } from "../durable-objects/sequencer/sequencer.ts";
import { keccak } from "./curve.ts";
import { createWorker } from "./worker.ts";

/** The object class that `wrangler.toml` binds: the sequencer with its application mounted. */
export class Sequencer extends SequencerObject<Env & Vars, AppConfig> {
  constructor(ctx: DurableObjectState, env: Env & Vars) {
    super(ctx, env, { application, keccak });
  }
}

export default createWorker(application);
