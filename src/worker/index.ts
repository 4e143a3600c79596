/**
 * The composition root: which application this deployment runs (X4).
 *
 * Another rollup changes the one import and the one constant below.
 */

import { walletApplication } from "../apps/wallet/wallet.ts";
import { SequencerObject } from "../durable-objects/sequencer/sequencer.ts";
import { createWorker } from "./worker.ts";

const application = walletApplication;

/** The object class that `wrangler.toml` binds: the sequencer with its application mounted. */
export class Sequencer extends SequencerObject {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, application);
  }
}

export default createWorker(application);
