/**
 * A gateway: one of the objects between the Worker's edges and the sequencer (X2).
 *
 * It has no storage, no alarm and no sockets: what it knows is which calls wait for an answer. Where the
 * sequencer is, the composition root tells it.
 */

import { DurableObject } from "cloudflare:workers";
import type { GatewayApi } from "../../core/api/gateway-api.ts";
import type { Rejection } from "../../core/api/rejection.ts";
import type { SignedUserOp, SoftConfirmation } from "../../core/api/sequencer-api.ts";
import type { Result } from "../../core/types/result.ts";
import { PLATFORM } from "../sequencer/runtime.ts";
import type { FindLeader } from "../shared/submit-to-leader.ts";
import { Collector } from "./collector.ts";

export class GatewayObject<Env> extends DurableObject<Env> implements GatewayApi {
  readonly #collector: Collector;

  constructor(ctx: DurableObjectState, env: Env, find: FindLeader) {
    super(ctx, env);
    this.#collector = new Collector(PLATFORM.later, find);
  }

  submit(op: SignedUserOp): Promise<Result<SoftConfirmation, Rejection>> {
    return this.#collector.submit(op);
  }
}
