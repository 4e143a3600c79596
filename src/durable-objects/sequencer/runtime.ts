/** What every part of the sequencer object works with. Built once per wake, immutable. */

import type { Application } from "../../core/application/application.ts";
import type { Config } from "../../core/config/config.ts";
import type { UnixMs } from "../../core/types/units.ts";
import type { Keccak256 } from "../../core/wire/user-op.ts";

export type Runtime = {
  readonly storage: DurableObjectStorage;
  readonly sql: SqlStorage;
  readonly config: Config;
  readonly application: Application;
  readonly keccak: Keccak256;
  readonly now: () => UnixMs;
};
