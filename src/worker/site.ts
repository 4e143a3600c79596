/** What a route handler finds in its context. */

import type { Context } from "hono";
import type { SequencerApi } from "../core/api/sequencer-api.ts";
import type { Deployment } from "./config.ts";

/** The sequencer object of the application: its calls, and its `fetch` for sockets and streams. */
export type SequencerStub = SequencerApi & { fetch(request: Request): Promise<Response> };

export type Site = {
  Bindings: Env;
  Variables: { deployment: Deployment; sequencer: SequencerStub };
};

export type SiteContext = Context<Site>;

/** The one object that orders this application's ops (S8). */
export function sequencerOf(env: Env, { config }: Deployment): SequencerStub {
  return env.SEQUENCER.getByName(config.app);
}
