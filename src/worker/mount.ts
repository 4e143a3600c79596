/**
 * Everything that the Worker of one application exports: its object classes and its handler (X4).
 *
 * A composition root, here or in another repository, gives the application and names the classes, for
 * `wrangler.toml` binds them by name. What the objects need of the Worker is injected here.
 */

import type { Application } from "../core/application/application.ts";
import type { Vars } from "../core/config/config.ts";
import { GatewayObject } from "../durable-objects/gateway/gateway.ts";
import { RelayObject } from "../durable-objects/relay/relay.ts";
import { SequencerObject } from "../durable-objects/sequencer/sequencer.ts";
import type { FoundingMember } from "../durable-objects/shared/founding-client.ts";
import { type CommitteeMember, memberAt } from "../durable-objects/shared/members.ts";
import { ValidatorObject } from "../durable-objects/validator/validator.ts";
import { createConfigure } from "./config.ts";
import { keccak, recoverAddress } from "./curve.ts";
import { leaderFinder } from "./leader.ts";
import { createConnect } from "./relays.ts";
import { createWorker } from "./worker.ts";

/** A class that the platform makes objects of. */
type ObjectClass<T> = new (ctx: DurableObjectState, env: Env & Vars) => T;

export type MountedWorker<AppConfig> = {
  /** The sequencer with its application. */
  readonly Sequencer: ObjectClass<SequencerObject<Env & Vars, AppConfig>>;
  /** A validator of the committee, with the same application to execute in mode `full`. */
  readonly Validator: ObjectClass<ValidatorObject<Env & Vars, AppConfig>>;
  /** Between the Worker and the sequencer (X2). */
  readonly Gateway: ObjectClass<GatewayObject<Env & Vars>>;
  /** Between the sequencer and readers of the feed (X3). */
  readonly Relay: ObjectClass<RelayObject<Env & Vars>>;
  /** The Worker's default export. */
  readonly worker: ExportedHandler<Env>;
};

/** Called once, where the Worker's module is evaluated. */
export function mount<AppConfig>(application: Application<AppConfig>): MountedWorker<AppConfig> {
  class Sequencer extends SequencerObject<Env & Vars, AppConfig> {
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
  class Validator extends ValidatorObject<Env & Vars, AppConfig> {
    constructor(ctx: DurableObjectState, env: Env & Vars) {
      super(ctx, env, { application, keccak, recoverAddress }, (config, place) =>
        place.kind === "sequencer"
          ? memberAt<CommitteeMember>(env.SEQUENCER, config, place)
          : memberAt<CommitteeMember>(env.VALIDATOR, config, place),
      );
    }
  }
  class Gateway extends GatewayObject<Env & Vars> {
    constructor(ctx: DurableObjectState, env: Env & Vars) {
      super(ctx, env, leaderFinder(env, createConfigure(application)(env)));
    }
  }
  const connect = createConnect(application);
  class Relay extends RelayObject<Env & Vars> {
    constructor(ctx: DurableObjectState, env: Env & Vars) {
      super(ctx, env, connect(env));
    }
  }
  return { Sequencer, Validator, Gateway, Relay, worker: createWorker(application) };
}
