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
import type { FoundingMember } from "../durable-objects/shared/founding-client.ts";
import { type CommitteeMember, memberAt } from "../durable-objects/shared/members.ts";
import { ValidatorObject } from "../durable-objects/validator/validator.ts";
import { keccak, recoverAddress } from "./curve.ts";
import { createWorker } from "./worker.ts";

/** The object class that `wrangler.toml` binds: the sequencer with its application mounted. */
export class Sequencer extends SequencerObject<Env & Vars, AppConfig> {
  constructor(ctx: DurableObjectState, env: Env & Vars) {
    super(ctx, env, {
      application,
      keccak,
      member: (config, place) =>
        place.kind === "sequencer"
          ? memberAt<FoundingMember>(env.SEQUENCER, config, place)
          : memberAt<FoundingMember>(env.VALIDATOR, config, place),
    });
  }
}

/** A validator of the committee, with the same application to execute in mode `full`. */
export class Validator extends ValidatorObject<Env & Vars, AppConfig> {
  constructor(ctx: DurableObjectState, env: Env & Vars) {
    super(ctx, env, { application, keccak, recoverAddress }, (config, place) =>
      place.kind === "sequencer"
        ? memberAt<CommitteeMember>(env.SEQUENCER, config, place)
        : memberAt<CommitteeMember>(env.VALIDATOR, config, place),
    );
  }
}

export default createWorker(application);
