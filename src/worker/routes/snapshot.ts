/**
 * The finalized state and the latest snapshot (V2, V3; shapes of P§8.3).
 *
 * Bytes are for the operator, who asks with a token; the digest is for everyone. The object streams
 * snapshots itself, because it holds their leases.
 */

import { Hono } from "hono";
import { refuse, refuseMethod } from "../errors.ts";
import { answer } from "../json.ts";
import { refuseOperator } from "../operator.ts";
import type { Site, SiteContext } from "../site.ts";

const OPERATOR_PATHS = ["/finalized_state", "/finalized_state/inclusion_block", "/latest_snapshot"];

export function isSnapshotPath(path: string): boolean {
  return OPERATOR_PATHS.includes(path);
}

export const snapshot = new Hono<Site>()
  .get("/finalized_state/digest", async (c) => answer(await c.var.sequencer.finalizedDigest()))
  .all("/finalized_state/digest", () => refuseMethod("GET, HEAD"))
  .on("ALL", OPERATOR_PATHS, async (c, next) => {
    const { operatorToken } = c.var.deployment.config.secrets;
    const refused = await refuseOperator(c.req.raw, operatorToken);
    if (refused !== null) return refuse(refused);
    return next();
  })
  .get("/finalized_state/inclusion_block", async (c) => answer(await c.var.sequencer.finalized()))
  .get("/finalized_state", forward)
  .get("/latest_snapshot", forward)
  .on("ALL", OPERATOR_PATHS, () => refuseMethod("GET"));

/** Not for HEAD: a body that nobody reads would hold its lease until that runs out. */
function forward(c: SiteContext): Response | Promise<Response> {
  return c.req.raw.method === "GET" ? c.var.sequencer.fetch(c.req.raw) : refuseMethod("GET");
}
