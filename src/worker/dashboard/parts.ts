/**
 * The parts of the page that follow the sequencer: for each the function that paints it.
 *
 * The Worker paints all of them into the page that it sends, and the script paints them again after each
 * answer and each record, into the elements of the same names.
 */

import type { OverviewBody } from "../../core/api/overview.ts";
import type { Model } from "./model.ts";
import type { Child } from "./tree.ts";
import { batches } from "./view/batches.ts";
import { committee } from "./view/committee.ts";
import { counts, deployment, l1 } from "./view/deployment.ts";
import { feed, feedState } from "./view/feed.ts";
import { pipeline } from "./view/pipeline.ts";
import { distribution, latencyPlot, throughputPlot } from "./view/plots.ts";
import { promiseClock } from "./view/promise.ts";
import { recovery } from "./view/recovery.ts";
import { figures, headline, identity, moment } from "./view/status.ts";

export type PartName =
  | "identity"
  | "headline"
  | "moment"
  | "figures"
  | "pipeline"
  | "promise"
  | "batches"
  | "throughput"
  | "latency"
  | "distribution"
  | "feed-state"
  | "feed"
  | "committee"
  | "recovery"
  | "l1"
  | "counts"
  | "deployment";

/** Id of the element that a part is painted into. */
export function idOf(part: PartName): string {
  return `part-${part}`;
}

export const PARTS: Readonly<Record<PartName, (model: Model) => readonly Child[]>> = {
  identity: known(identity),
  headline,
  moment,
  figures,
  pipeline: known(({ pipeline: body }) => pipeline(body)),
  promise: known(promiseClock),
  batches: known(batches),
  throughput: throughputPlot,
  latency: latencyPlot,
  distribution,
  "feed-state": feedState,
  feed,
  committee: known(committee),
  recovery: known(recovery),
  l1: known(l1),
  counts: known(counts),
  deployment: known(deployment),
};

function known(
  paint: (overview: OverviewBody) => readonly Child[],
): (model: Model) => readonly Child[] {
  return ({ overview }) => (overview === null ? ["Not known yet."] : paint(overview));
}
