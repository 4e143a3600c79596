/**
 * The Worker of one application: configuration, routes and the cron heartbeat.
 *
 * A request is answered in this order: preflight, liveness, configuration, operator token, route.
 * `POST /tx` is taken out before the router: it is most of the load, and needs none of the rest.
 */

import { Hono } from "hono";
import { notFound, rejection, unavailable } from "../core/api/rejection.ts";
import type { Application, ConfigProblem } from "../core/application/application.ts";
import { rejectionOf } from "../durable-objects/shared/failed-call.ts";
import { type Configured, createConfigure, type Deployment } from "./config.ts";
import { publicCors } from "./cors.ts";
import { refuse } from "./errors.ts";
import { json } from "./json.ts";
import { forward, isPassedOn, Leaders } from "./leader.ts";
import { isOperator } from "./operator.ts";
import { Answering, named, requestIdOf } from "./request-id.ts";
import { certificates } from "./routes/certificates.ts";
import { committee, isCommitteePath, isMemberPath } from "./routes/committee.ts";
import { conductor } from "./routes/conductor.ts";
import { dashboard, isDashboardPath } from "./routes/dashboard.ts";
import { deployment } from "./routes/deployment.ts";
import { domain } from "./routes/domain.ts";
import { fee } from "./routes/fee.ts";
import { feed } from "./routes/feed.ts";
import { health, liveness } from "./routes/health.ts";
import { isMetricsPath, metrics } from "./routes/metrics.ts";
import { nonce } from "./routes/nonce.ts";
import { overview } from "./routes/overview.ts";
import { isRebuildPath, rebuild } from "./routes/rebuild.ts";
import { isSnapshotPath, snapshot } from "./routes/snapshot.ts";
import { submit as submitChannel } from "./routes/submit.ts";
import { submitTransaction, transaction } from "./routes/tx.ts";
import {
  conductorOf,
  gatewayOf,
  hasSequencer,
  type Site,
  sequencerOf,
  sequencersOf,
  validatorOf,
} from "./site.ts";

/** Serves `application` from the object that `env.SEQUENCER` names after it. */
export function createWorker<AppConfig>(application: Application<AppConfig>): ExportedHandler<Env> {
  const configure = createConfigure(application);
  const leaders = new Leaders();
  const site = createSite(configure, leaders);
  const answering = new Answering();
  const handle = (request: Request, id: string, env: Env, ctx: ExecutionContext) => {
    if (request.method === "POST" && isSubmission(request.url)) {
      const configured = configure(env);
      if (configured.ok && hasSequencer(configured.value.config)) {
        return submit(request, id, env, configured.value, leaders);
      }
    }
    return site.fetch(named(request, id), env, ctx);
  };
  return {
    async fetch(request, env, ctx) {
      const id = requestIdOf(request);
      return answering.answer(request, id, await handle(request, id, env, ctx));
    },
    async scheduled(_controller, env) {
      const configured = configure(env);
      if (!configured.ok) return;
      const { config } = configured.value;
      const validators = config.ownValidators.map((name) => validatorOf(env, config, name));
      const objects = [...sequencersOf(env, configured.value), ...validators];
      await Promise.all(objects.map((object) => object.heartbeat()));
    },
  };
}

async function submit(
  request: Request,
  id: string,
  env: Env,
  deployment: Deployment,
  leaders: Leaders,
): Promise<Response> {
  const { committee, gateways } = deployment.config;
  const leader = committee === null ? null : await leaders.find(env, deployment);
  if (leader?.at === "url") return forward(named(request, id), leader.base);
  const sequencer = () => leader?.sequencer ?? sequencerOf(env, deployment);
  // An op that waits for its certificate holds a call of its own all that time: to share it saves nothing.
  return submitTransaction(request, deployment, (signed, waits) => {
    const op = { ...signed, requestId: id };
    return gateways === 0 || waits
      ? sequencer().submit(op, waits)
      : gatewayOf(env, deployment, op.sender).submit(op);
  });
}

/** Whether the path is `/tx`, told without parsing the URL: this is asked of every op. */
function isSubmission(url: string): boolean {
  const path = url.indexOf("/", url.indexOf("://") + 3);
  if (!url.startsWith("/tx", path)) return false;
  const after = url.charAt(path + 3);
  return after === "" || after === "?" || after === "#";
}

function createSite(configure: (env: Env) => Configured, leaders: Leaders): Hono<Site> {
  const site = new Hono<Site>();
  site.onError((error) => refuse(rejectionOf(error)));
  site.notFound(() => refuse(notFound("not found")));
  const isPrivate = [
    isSnapshotPath,
    isRebuildPath,
    isCommitteePath,
    isDashboardPath,
    isMetricsPath,
  ];
  site.use(publicCors((path) => isPrivate.some((has) => has(path))));
  site.route("/", liveness);
  site.use(async (c, next) => {
    const { env } = c;
    const configured = configure(env);
    if (!configured.ok) return refuseMisconfigured(c.req.raw, env, configured.error);
    const isHere = hasSequencer(configured.value.config);
    const isAnyDeployments = isMemberPath(c.req.path) || isMetricsPath(c.req.path);
    if (!isHere && !isAnyDeployments) return refuse(unavailable("refused"));
    const find = () => leaders.find(env, configured.value);
    const leader = isHere ? await find() : null;
    const { config } = configured.value;
    if (leader?.at === "url" && isPassedOn(c.req.raw, c.req.path, config)) {
      return forward(c.req.raw, leader.base);
    }
    c.set("deployment", configured.value);
    c.set(
      "sequencer",
      leader?.at === "object" ? leader.sequencer : sequencerOf(env, configured.value),
    );
    c.set("leader", async () => {
      const now = await find();
      return now.at === "object" ? now.sequencer : null;
    });
    return next();
  });
  const reads = [
    transaction,
    fee,
    nonce,
    domain,
    deployment,
    feed,
    health,
    overview,
    metrics,
    certificates,
  ];
  const writes = [submitChannel, snapshot, committee, conductor(conductorOf), rebuild];
  const page = dashboard((c, path) => {
    const asked = new Request(new URL(path, c.req.url));
    return Promise.resolve(site.fetch(asked, c.env, c.executionCtx));
  });
  for (const routes of [...reads, ...writes, page]) site.route("/", routes);
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
