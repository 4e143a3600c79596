/**
 * The Worker of one application: configuration, routes and the cron heartbeat.
 *
 * A request is answered in this order: preflight, liveness, configuration, operator token, route.
 * `POST /tx` is taken out before the router: it is most of the load, and needs none of the rest.
 */

import { Hono } from "hono";
import { notFound, rejection } from "../core/api/rejection.ts";
import type { Application, ConfigProblem } from "../core/application/application.ts";
import { type Configured, createConfigure } from "./config.ts";
import { publicCors } from "./cors.ts";
import { refuse, rejectionOf } from "./errors.ts";
import { json } from "./json.ts";
import { isOperator } from "./operator.ts";
import { deployment } from "./routes/deployment.ts";
import { domain } from "./routes/domain.ts";
import { fee } from "./routes/fee.ts";
import { feed } from "./routes/feed.ts";
import { health, liveness } from "./routes/health.ts";
import { nonce } from "./routes/nonce.ts";
import { isRebuildPath, rebuild } from "./routes/rebuild.ts";
import { isSnapshotPath, snapshot } from "./routes/snapshot.ts";
import { submit } from "./routes/submit.ts";
import { submitTransaction, transaction } from "./routes/tx.ts";
import { type Site, sequencerOf } from "./site.ts";

/** Serves `application` from the object that `env.SEQUENCER` names after it. */
export function createWorker<AppConfig>(application: Application<AppConfig>): ExportedHandler<Env> {
  const configure = createConfigure(application);
  const site = createSite(configure);
  return {
    fetch(request, env, ctx) {
      if (request.method === "POST" && isSubmission(request.url)) {
        const configured = configure(env);
        if (configured.ok) {
          return submitTransaction(request, configured.value, sequencerOf(env, configured.value));
        }
      }
      return site.fetch(request, env, ctx);
    },
    async scheduled(_controller, env) {
      const configured = configure(env);
      if (configured.ok) await sequencerOf(env, configured.value).heartbeat();
    },
  };
}

/** Whether the path is `/tx`, told without parsing the URL: this is asked of every op. */
function isSubmission(url: string): boolean {
  const path = url.indexOf("/", url.indexOf("://") + 3);
  if (!url.startsWith("/tx", path)) return false;
  const after = url.charAt(path + 3);
  return after === "" || after === "?" || after === "#";
}

function createSite(configure: (env: Env) => Configured): Hono<Site> {
  const site = new Hono<Site>();
  site.onError((error) => refuse(rejectionOf(error)));
  site.notFound(() => refuse(notFound("not found")));
  site.use(publicCors((path) => isSnapshotPath(path) || isRebuildPath(path)));
  site.route("/", liveness);
  site.use((c, next) => {
    const configured = configure(c.env);
    if (!configured.ok) return refuseMisconfigured(c.req.raw, c.env, configured.error);
    c.set("deployment", configured.value);
    c.set("sequencer", sequencerOf(c.env, configured.value));
    return next();
  });
  const reads = [transaction, fee, nonce, domain, deployment, feed, health];
  for (const routes of [...reads, submit, snapshot, rebuild]) site.route("/", routes);
  return site;
}

/** The list names variables and what is wrong with them, and is the operator's alone. */
async function refuseMisconfigured(
  request: Request,
  env: Env,
  problems: readonly ConfigProblem[],
): Promise<Response> {
  const refused = rejection(503, "MISCONFIGURED", "sequencer misconfigured");
  // What the platform gives for it may be no string, which is then one of the problems.
  const given: unknown = env.SEQ_OPERATOR_TOKEN;
  const token = typeof given === "string" ? given.trim() : "";
  if (token === "" || !(await isOperator(request, token))) return refuse(refused);
  const { code, message } = refused;
  return json({ ok: false, code, message, problems }, refused.status);
}
