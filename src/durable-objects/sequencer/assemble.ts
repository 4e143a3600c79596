/**
 * The sequencer object's parts, put together once per wake.
 *
 * Parts know each other by narrow hooks. Those that go both ways are called only after all are there:
 * a hook runs in a later turn than its part's constructor.
 */

import type { HealthBody } from "../../core/api/sequencer-api.ts";
import type { Application } from "../../core/application/application.ts";
import type { Place } from "../../core/config/committee.ts";
import { type Config, parseConfig, type Vars } from "../../core/config/config.ts";
import type { Keccak256 } from "../../core/wire/user-op.ts";
import { addressOfPrivateKey } from "../../crypto/key.ts";
import { createSubmitter } from "../../l1/submitter.ts";
import type { FoundingMember } from "../shared/founding-client.ts";
import { log } from "../shared/log.ts";
import { nameOfMember } from "../shared/members.ts";
import { CommitteeParts } from "./committee-parts.ts";
import { Counters } from "./counters.ts";
import { Duties, type Parts } from "./duties.ts";
import { Feed } from "./feed.ts";
import { Lane } from "./lane.ts";
import type { Member, Own } from "./member.ts";
import { MemoryStore } from "./memory.ts";
import { Recovery } from "./recover.ts";
import { PLATFORM, type Runtime } from "./runtime.ts";
import { Snapshots } from "./serve-snapshots.ts";
import { Service } from "./service.ts";
import { SubmitterBalance } from "./submitter-balance.ts";

/** What the composition root mounts. */
export type Mounted<AppConfig> = {
  readonly application: Application<AppConfig>;
  readonly keccak: Keccak256;
  /** Another object of this deployment; absent where there is no committee. */
  readonly member?: (config: Config, place: Place) => FoundingMember;
};

export type All = Parts & {
  readonly memory: MemoryStore;
  readonly duties: Duties;
  /** Null without a committee. */
  readonly member: Member | null;
};

/** Null when the configuration is refused; the Worker answers for it then. */
export function assemble<AppConfig>(
  ctx: DurableObjectState,
  vars: Vars,
  mounted: Mounted<AppConfig>,
): All | null {
  const { application, keccak } = mounted;
  const config = parseConfig(vars, application, addressOfPrivateKey);
  if (!config.ok) return null;
  const own = ownOf(config.value, ctx.id.name);
  if (own === "nobody") {
    log("error", "candidate-unnamed", {});
    return null;
  }
  const { storage } = ctx;
  const base = { storage, sql: storage.sql, config: config.value, application, keccak };
  const runtime: Runtime = { ...base, ...PLATFORM };
  return connectParts(ctx, runtime, own, mounted.member);
}

/** Everything but the platform: a simulation or a test brings its own runtime. */
export function connectParts(
  ctx: DurableObjectState,
  runtime: Runtime,
  own: Own | null,
  reach: Mounted<unknown>["member"],
): All {
  const memory = new MemoryStore(runtime);
  const counters = new Counters(runtime.now());
  const committee =
    own === null || reach === undefined
      ? null
      : new CommitteeParts(runtime, memory, own, (place) => reach(runtime.config, place));
  const recovery = new Recovery(runtime, committee?.duties ?? null);
  const service = new Service(runtime, memory, recovery, committee?.service ?? null);
  const feed = new Feed(runtime, ctx, committee?.feed ?? null);
  const lane = new Lane(runtime, memory, {
    mode: () => service.mode(),
    publish: (records) => feed.publish(records),
    committee: committee?.lane ?? null,
    counters,
  });
  const snapshots = new Snapshots(runtime);
  const submitter = createSubmitter(runtime.config.secrets.submitterKey);
  const balance = new SubmitterBalance(runtime.now);
  const parts = { runtime, recovery, service, lane, feed, snapshots, submitter, counters, balance };
  const duties = new Duties({ ...parts, committee: committee?.duties ?? null });
  committee?.connect({ service, feed, lane, duties, recovery, counters });
  const all = { ...parts, committee: committee?.duties ?? null, memory, duties };
  return { ...all, member: committee?.member ?? null };
}

/** The candidate that an object of this name is; `nobody` where a committee does not list it. */
function ownOf({ committee, app }: Config, name: string | undefined): Own | "nobody" | null {
  if (committee === null) return null;
  const id = name === undefined ? null : nameOfMember({ app }, name);
  const at = committee.candidates.findIndex((candidate) => candidate.id === id);
  const candidate = committee.candidates[at];
  if (candidate === undefined) return "nobody";
  return { id: candidate.id, endpoint: candidate.endpoint, isFirst: at === 0 };
}

export const MISCONFIGURED: HealthBody = {
  status: "degraded",
  mode: "refused",
  safe_block: null,
  safe_block_age_s: null,
  blocks_to_danger: null,
  unposted_batches: null,
  oldest_unposted_age_s: null,
  feed_head: null,
  era: null,
  generation: null,
  refusal: "misconfigured",
  recovery: null,
  committee: null,
};
