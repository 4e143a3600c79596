/** What every part of a validator object works with. Built once per wake, immutable. */

import type { Application } from "../../core/application/application.ts";
import type { Place } from "../../core/config/committee.ts";
import type { Config } from "../../core/config/config.ts";
import type { RecoverAddress } from "../../core/wire/signature.ts";
import type { Keccak256 } from "../../core/wire/user-op.ts";
import type { World } from "../sequencer/runtime.ts";
import type { CommitteeMember } from "../shared/members.ts";

/** What the composition root mounts. */
export type Mounted<AppConfig> = {
  readonly application: Application<AppConfig>;
  readonly keccak: Keccak256;
  readonly recoverAddress: RecoverAddress;
};

export type ValidatorRuntime = Pick<World, "now" | "random" | "later"> & {
  readonly storage: DurableObjectStorage;
  readonly sql: SqlStorage;
  readonly config: Config;
  readonly mounted: Mounted<unknown>;
  /** The object's name without the application. */
  readonly name: string;
  /** An object of this deployment. */
  readonly member: (place: Place) => CommitteeMember;
};
