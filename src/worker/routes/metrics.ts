/**
 * `GET /metrics`: what every own object counts, as Prometheus reads it.
 *
 * Each deployment speaks for its own objects: its candidates, whether they lead or follow, and its
 * validators. One that does not answer in time is told as down, and the others are shown all the same.
 * Relays and gateways keep no numbers; one that did would be a source more.
 *
 * It takes the scraper's token, or the operator's. A scraper keeps its token in a file for years, so there
 * is one that may do nothing else; and an anonymous request must not make every object work.
 */

import { Hono } from "hono";
import type { Rejection } from "../../core/api/rejection.ts";
import {
  CONTENT_TYPES,
  type ExpositionFormat,
  formatExposition,
  type Labels,
  type Point,
} from "../../core/metrics/exposition.ts";
import { limitPoints, sequencerPoints, validatorPoints } from "../../core/metrics/points.ts";
import type { Result } from "../../core/types/result.ts";
import { PLATFORM } from "../../durable-objects/sequencer/runtime.ts";
import { within } from "../../durable-objects/shared/within.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { refuseBearer } from "../operator.ts";
import { type Site, type SiteContext, sequencersOf, validatorOf } from "../site.ts";

const PATH = "/metrics";
/** Below the scrape timeout of Prometheus, which is ten seconds. */
const ANSWER_MS_MAX = 5_000;

/** Also of a deployment that has validators and does not order. */
export function isMetricsPath(path: string): boolean {
  return path === PATH;
}

export const metrics = new Hono<Site>()
  .on("ALL", PATH, async (c, next) => {
    const { metricsToken, operatorToken } = c.var.deployment.config.secrets;
    const refused = await refuseBearer(
      c.req.raw,
      [metricsToken, operatorToken],
      "metrics token required",
    );
    return refused === null ? next() : refuse(refused);
  })
  .get(PATH, async (c) => {
    const points = await Promise.all([...candidates(c), ...validators(c)]);
    const limits = limitPoints(c.var.deployment.config.flushBudgetWei);
    const format = formatFor(c.req.header("accept") ?? "");
    return new Response(formatExposition([...points.flat(), ...limits], format), {
      headers: { "content-type": CONTENT_TYPES[format], "cache-control": "no-store" },
    });
  })
  .all(PATH, () => refuseMethod("GET, HEAD"));

/** A scraper that knows OpenMetrics says so; everything else reads Prometheus' own format. */
function formatFor(accept: string): ExpositionFormat {
  return accept.includes("application/openmetrics-text") ? "openmetrics" : "prometheus";
}

function candidates(c: SiteContext): readonly Promise<readonly Point[]>[] {
  const { ownCandidates } = c.var.deployment.config;
  return sequencersOf(c.env, c.var.deployment).map((sequencer, i) => {
    const candidate = ownCandidates[i];
    // Without a committee there is one sequencer, and nothing to tell it from.
    const labels: Labels = candidate === undefined ? {} : { candidate };
    return ask(
      () => sequencer.watch(),
      (watch) => sequencerPoints(labels, watch),
    );
  });
}

function validators(c: SiteContext): readonly Promise<readonly Point[]>[] {
  const { config } = c.var.deployment;
  return config.ownValidators.map((validator) =>
    ask(
      () => validatorOf(c.env, config, validator).watch(),
      (watch) => validatorPoints({ validator }, watch),
    ),
  );
}

/** `toPoints` is told null of an object that refuses, fails or is late. */
async function ask<T>(
  watch: () => Promise<Result<T, Rejection>>,
  toPoints: (watch: T | null) => readonly Point[],
): Promise<readonly Point[]> {
  try {
    const answer = await within(watch(), ANSWER_MS_MAX, PLATFORM.later);
    return toPoints(answer?.ok ? answer.value : null);
  } catch {
    // A restart, or an overload: what the scrape is there to show.
    return toPoints(null);
  }
}
