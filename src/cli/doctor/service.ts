/** `baton doctor` before the order: is the Worker there, configured, in time, and does it serve? */

import type { OverviewBody } from "../../core/api/overview.ts";
import { domainOf } from "../../sdk/bodies.ts";
import { BatonError } from "../../sdk/errors.ts";
import { CommandFailure } from "../io.ts";
import type { Json, Probe, SequencerClient } from "../sequencer-client.ts";
import { type Check, fail, ok, skip, warn } from "./check.ts";
import { judgeLatency, judgeSkew } from "./judge.ts";

const PROBES = 3;
const SECOND_MS = 1000;

export type Service = {
  readonly checks: readonly Check[];
  /** Null where its answers carry no `Date`. */
  readonly clock: Check | null;
  /** Whether asking for more makes sense. */
  readonly isUp: boolean;
};

/** `/livez`, `/readyz`, `/healthz`, the configuration and the clock. */
export async function checkService(client: SequencerClient): Promise<Service> {
  const probes: Probe[] = [];
  for (let i = 0; i < PROBES; i++) {
    const probe = await client.probe("/livez");
    if (probe === null) break;
    probes.push(probe);
  }
  const [first] = probes;
  if (first === undefined || probes.length < PROBES) {
    const advice = "is the URL right, is it deployed, does the network let it through?";
    return { checks: [fail("reachable", "no answer", advice)], clock: null, isUp: false };
  }
  if (first.status !== 200) {
    const says = `/livez answers ${first.status}`;
    return {
      checks: [fail("reachable", says, "this URL is no sequencer's")],
      clock: null,
      isUp: false,
    };
  }
  const [, median = first] = [...probes].sort((a, b) => a.ms - b.ms);
  const health = await client.probe("/healthz");
  const config = checkConfig(health);
  const isUp = config.verdict === "ok";
  const ready = isUp ? [checkReady(await client.probe("/readyz"))] : [];
  return { checks: [judgeLatency(median.ms), config, ...ready], clock: checkClock(median), isUp };
}

function checkClock({ dateMs, sentMs, ms }: Probe): Check | null {
  if (dateMs === null) return null;
  // A Date is cut to the second, and was written some time between question and answer.
  const [theirs, ours] = [dateMs + SECOND_MS / 2, sentMs + ms / 2];
  return judgeSkew(theirs - ours, SECOND_MS / 2 + ms / 2);
}

function checkConfig(health: Probe | null): Check {
  if (health === null) return fail("configured", "/healthz does not answer", "look at its log");
  const { body, status } = health;
  if (body?.["code"] === "MISCONFIGURED") {
    const problems = problemsOf(body);
    const says = problems === null ? "no" : `no: ${problems.join("; ")}`;
    const advice =
      problems === null ? "name the operator's token to see why" : "correct them, and deploy";
    return fail("configured", says, advice);
  }
  if (typeof body?.["mode"] === "string") return ok("configured", "every variable is accepted");
  return fail("configured", `/healthz answers ${status} and no health`, "look at its log");
}

/** Null without the operator's token. */
function problemsOf(body: Json): readonly string[] | null {
  const problems: unknown = body["problems"];
  if (!Array.isArray(problems)) return null;
  return problems.map((one: unknown) => {
    const { variable, problem }: { variable?: unknown; problem?: unknown } = Object(one);
    return `${String(variable)} ${String(problem)}`;
  });
}

function checkReady(probe: Probe | null): Check {
  if (probe?.status === 200) return ok("ready", "would take an op now");
  const why: unknown = probe?.body?.["message"];
  return fail("ready", typeof why === "string" ? why : "no", "see the check of serving below");
}

/** Whether the token opens the operator's routes; asked of one that changes nothing. */
export async function checkToken(client: SequencerClient, hasToken: boolean): Promise<Check> {
  if (!hasToken) return skip("token", "none was named");
  const question = { jsonrpc: "2.0", id: 1, method: "conductor_active", params: [] };
  const { status } = await client.postJson("/operator/rpc", JSON.stringify(question));
  if (status === 200) return ok("token", "opens the operator's routes");
  if (status === 401) return fail("token", "is not the operator's", "take the deployment's secret");
  return warn(
    "token",
    `the operator's routes answer ${status}`,
    "set the secret SEQ_OPERATOR_TOKEN",
  );
}

/** What users sign for is what is deployed. */
export async function checkDomain(
  client: SequencerClient,
  { deployment }: OverviewBody,
): Promise<Check> {
  if (deployment === null) return skip("domain", "L1 was not seen yet");
  const { chain_id, app } = deployment;
  try {
    const { chainId, verifyingContract } = domainOf((await client.get("/domain")).body);
    const isSame = chainId === chain_id && verifyingContract === app.toLowerCase();
    if (isSame) return ok("domain", `ops are signed for ${app} on chain ${chain_id}`);
    return fail(
      "domain",
      "is of another chain or application",
      "two deployments answer at this URL",
    );
  } catch (error) {
    if (!(error instanceof BatonError || error instanceof CommandFailure)) throw error;
    return fail(
      "domain",
      "is none that this version signs for",
      "use the version that is deployed",
    );
  }
}
