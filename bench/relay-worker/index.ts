/** A Worker that is one relay and nothing else: it follows the feed at `UPSTREAM` over HTTP. */

import { RelayObject } from "../../src/durable-objects/relay/relay.ts";
import { urlSource } from "../../src/durable-objects/relay/source.ts";

type BenchEnv = { readonly UPSTREAM: string; readonly RELAY: DurableObjectNamespace<Relay> };

export class Relay extends RelayObject<BenchEnv> {
  constructor(ctx: DurableObjectState, env: BenchEnv) {
    super(ctx, env, () => Promise.resolve(urlSource(env.UPSTREAM, {})));
  }
}

export default {
  fetch(request: Request, env: BenchEnv): Promise<Response> {
    return env.RELAY.getByName("relay").fetch(request);
  },
};
