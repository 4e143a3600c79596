/** `baton status`: where a sequencer stands, on one screen. */

import type { OverviewBody } from "../../core/api/overview.ts";
import type { Cli } from "../command.ts";
import type { SpeechOptions } from "../io.ts";
import { urlOf, withUrl } from "../options.ts";
import { askOverview, formatAge, formatEther } from "../overview.ts";
import { SequencerClient } from "../sequencer-client.ts";

const MIB = 1024 * 1024;

export function addStatus<AppConfig>(cli: Cli<AppConfig>): void {
  cli.command<SpeechOptions>(
    {
      name: "status",
      does: "shows where a sequencer stands",
      exits: { 0: "it serves", 1: "there was no answer", 2: "it does not serve, or not well" },
      help: "\nWith --json it is the body of GET /overview. baton doctor says what to do.\n",
    },
    withUrl,
    async ({ args, speech }) => {
      const url = urlOf(cli.io, args[0]);
      const overview = await askOverview(new SequencerClient(url, undefined));
      speech.result({ command: "status", url, ...overview }, linesOf(url, overview));
      return overview.health.status === "ok" ? 0 : 2;
    },
  );
}

function linesOf(url: string, overview: OverviewBody): readonly string[] {
  const { health, deployment, submitter } = overview;
  const said: readonly (readonly [string, string | null])[] = [
    [health.refusal === null ? health.mode : `${health.mode}: ${health.refusal}`, url],
    [
      "deployment",
      deployment &&
        `${deployment.application} at ${deployment.app} on chain ${deployment.chain_id}, era ${deployment.era}`,
    ],
    ["order", describeOrder(overview)],
    ["batches", describeBatches(overview)],
    [
      "L1",
      `safe block ${health.safe_block ?? "?"}, ${formatAge(health.safe_block_age_s)} old; ${health.blocks_to_danger ?? "?"} blocks to danger`,
    ],
    ["recovery", describeRecovery(overview)],
    ["submitter", `${submitter.address}, ${describeBalance(submitter.balance_wei)}`],
    ["committee", describeCommittee(overview)],
    [
      "fee",
      overview.fee && `${overview.fee.fee}, suggested at most ${overview.fee.suggested_max_fee}`,
    ],
    ["served", describeServed(overview)],
    [
      "stored",
      `${(overview.database_bytes / MIB).toFixed(1)} MiB; ${overview.feed_readers} readers of the feed`,
    ],
  ];
  return said.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(11)} ${value}`]));
}

function describeOrder({ pipeline, health }: OverviewBody): string {
  if (pipeline === null) return `offset ${health.feed_head ?? "?"}`;
  const { ordered, certified, closed, posted, settled } = pipeline;
  const signed = certified === null ? "" : `, certified ${certified}`;
  return `offset ${ordered}${signed}, closed ${closed}, posted ${posted}, settled ${settled}`;
}

function describeBatches({ batches, health }: OverviewBody): string | null {
  const [newest] = batches;
  if (newest === undefined) return null;
  const waiting = health.unposted_batches ?? 0;
  const oldest = waiting === 0 ? "" : `, the oldest for ${formatAge(health.oldest_unposted_age_s)}`;
  return `${newest.nonce} is ${newest.state} with ${newest.ops} ops; ${waiting} not accepted yet${oldest}`;
}

function describeRecovery({ health: { recovery } }: OverviewBody): string | null {
  if (recovery === null) return null;
  const { phase, since_s, flush_from, flush_to } = recovery;
  const nonces =
    flush_from === null ? "" : `, wallet nonces ${flush_from} to ${flush_to ?? "?"} are open`;
  return `${phase} for ${formatAge(since_s)}${nonces}`;
}

function describeBalance(wei: string | null): string {
  return wei !== null && /^[0-9]{1,78}$/.test(wei) ? formatEther(BigInt(wei)) : "balance unknown";
}

function describeCommittee({ health: { committee } }: OverviewBody): string | null {
  if (committee === null) return null;
  const { epoch, leader, reachable, quorum, reason, evidence } = committee;
  if (epoch === null) return "not founded";
  const answers = reachable === null ? "" : `, ${reachable} answer, quorum ${quorum ?? "?"}`;
  const trouble = `${reason === null ? "" : `, ${reason}`}${evidence === 0 ? "" : `, ${evidence} PROOFS OF A BROKEN PROMISE`}`;
  return `${leader ?? "?"} leads epoch ${epoch}, certified height ${committee.certified_height}${answers}${trouble}`;
}

function describeServed({ counters, now_ms, since_ms }: OverviewBody): string {
  const rejected = Object.values(counters.ops_rejected).reduce((sum, count) => sum + count, 0);
  const since = formatAge((now_ms - since_ms) / 1000);
  return `${counters.ops_included} ops in ${since}, ${rejected} refused, ${counters.ops_voided} voided`;
}
