/** What a route handler finds in its context. */

import type { Context } from "hono";
import type { CandidateApi, ValidatorApi } from "../core/api/committee-api.ts";
import type { ConductorApi } from "../core/api/conductor-rpc.ts";
import { type GatewayApi, shardOf } from "../core/api/gateway-api.ts";
import type { SequencerApi } from "../core/api/sequencer-api.ts";
import type { Config } from "../core/config/config.ts";
import type { Address } from "../core/types/hex.ts";
import { memberAt, whereIs } from "../durable-objects/shared/members.ts";
import type { Deployment } from "./config.ts";

/** The sequencer object of the application: its calls, and its `fetch` for sockets and streams. */
export type SequencerStub = SequencerApi &
  ConductorApi &
  Pick<CandidateApi, "epochs"> & { fetch(request: Request): Promise<Response> };

export type Site = {
  Bindings: Env;
  Variables: {
    deployment: Deployment;
    /** The leader, or where another deployment leads this one's first candidate. */
    sequencer: SequencerStub;
    /** Asked for each use: another candidate may lead by then. Null: another deployment leads. */
    leader: () => Promise<SequencerStub | null>;
  };
};

export type SiteContext = Context<Site>;

/** Whether this deployment orders at all: one of other candidates' validators does not. */
export function hasSequencer({ committee, ownCandidates, ownValidators }: Config): boolean {
  return committee === null ? ownValidators.length === 0 : ownCandidates.length > 0;
}

/**
 * The object that orders this application's ops (S8): under a committee the candidate `id`, by default
 * the deployment's first. To be asked only where there is one.
 */
export function sequencerOf(env: Env, { config }: Deployment, id?: string): SequencerStub {
  const name = id ?? config.ownCandidates[0];
  if (name === undefined) return env.SEQUENCER.getByName(config.app);
  return memberAt<SequencerStub>(env.SEQUENCER, config, { kind: "sequencer", name });
}

/** The gateway that takes this sender's ops, created near the sequencer; to be asked only where there are some (X2). */
export function gatewayOf(env: Env, { config }: Deployment, sender: Address): GatewayApi {
  const [first] = config.ownCandidates;
  const where = first === undefined ? {} : whereIs(config, { kind: "sequencer", name: first });
  return env.GATEWAY.getByName(`gateway:${shardOf(sender, config.gateways)}`, where);
}

/** All of this deployment's. */
export function sequencersOf(env: Env, deployment: Deployment): readonly SequencerStub[] {
  const { committee, ownCandidates } = deployment.config;
  if (committee === null)
    return hasSequencer(deployment.config) ? [sequencerOf(env, deployment)] : [];
  return ownCandidates.map((id) => sequencerOf(env, deployment, id));
}

/** A candidate of this deployment, whoever leads. */
export function candidateOf(env: Env, config: Config, id: string): CandidateApi {
  return memberAt(env.SEQUENCER, config, { kind: "sequencer", name: id });
}

export function validatorOf(env: Env, config: Config, name: string): ValidatorApi {
  return memberAt(env.VALIDATOR, config, { kind: "validator", name });
}

/** Each candidate speaks for itself: the one that `candidate` names, by default the deployment's first. */
export function conductorOf(c: SiteContext): ConductorApi | null {
  const { deployment } = c.var;
  const id = c.req.query("candidate");
  if (id === undefined) return sequencerOf(c.env, deployment);
  return deployment.config.ownCandidates.includes(id) ? sequencerOf(c.env, deployment, id) : null;
}
