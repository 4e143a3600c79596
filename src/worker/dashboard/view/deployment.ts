/** Which deployment this is, and what it stands on. */

import type { OverviewBody } from "../../../core/api/overview.ts";
import { type Child, h } from "../tree.ts";
import { bytes, count, duration, ether, instant } from "../words.ts";
import { facts, figure, hash, note } from "./parts.ts";

export function deployment(overview: OverviewBody): readonly Child[] {
  const body = overview.deployment;
  if (body === null) return [note("It begins when L1 was seen.")];
  return [
    facts(
      ["Application", body.application],
      ["Chain", figure("deployment.chain_id", body.chain_id, String(body.chain_id))],
      ["Address", hash(body.app, "deployment.app")],
      [
        "Input box",
        [
          hash(body.input_box, "deployment.input_box"),
          h(
            "span",
            { class: "aside" },
            "from block ",
            figure("deployment.input_box_block", body.input_box_block, count(body.input_box_block)),
          ),
        ],
      ],
      ["Era", hash(body.era, "deployment.era")],
      body.committee === null
        ? null
        : ["Genesis", hash(body.committee.genesis, "deployment.committee.genesis")],
    ),
  ];
}

export function l1(overview: OverviewBody): readonly Child[] {
  const { health, submitter, counters, fee } = overview;
  return [
    facts(
      ["Safe block", figure("health.safe_block", health.safe_block, count(health.safe_block))],
      [
        "Its age",
        figure(
          "health.safe_block_age_s",
          health.safe_block_age_s,
          duration(health.safe_block_age_s),
        ),
      ],
      ["Submitter", hash(submitter.address, "submitter.address")],
      [
        "Balance",
        [
          figure("submitter.balance_wei", submitter.balance_wei, ether(submitter.balance_wei)),
          submitter.balance_age_s === null
            ? null
            : h(
                "span",
                { class: "aside" },
                figure(
                  "submitter.balance_age_s",
                  submitter.balance_age_s,
                  `${duration(submitter.balance_age_s)} ago`,
                ),
              ),
        ],
      ],
      fee === null
        ? null
        : [
            "Fee by policy",
            figure("fee.recommended_fee", fee.recommended_fee, count(fee.recommended_fee)),
          ],
      [
        "Batches posted",
        figure("counters.batches_posted", counters.batches_posted, count(counters.batches_posted)),
      ],
      ["Errors of L1", figure("counters.l1_errors", counters.l1_errors, count(counters.l1_errors))],
    ),
  ];
}

export function counts(overview: OverviewBody): readonly Child[] {
  const { counters, since_ms, database_bytes, feed_readers } = overview;
  const rejected = Object.entries(counters.ops_rejected);
  return [
    facts(
      ["Since", figure("since_ms", since_ms, instant(since_ms))],
      [
        "Heartbeat",
        figure(
          "heartbeat_age_s",
          overview.heartbeat_age_s,
          overview.heartbeat_age_s === null
            ? count(null)
            : `${duration(overview.heartbeat_age_s)} ago`,
        ),
      ],
      ["Calls", figure("counters.calls", counters.calls, count(counters.calls))],
      [
        "Operations",
        figure("counters.ops_included", counters.ops_included, count(counters.ops_included)),
      ],
      [
        "Repeats",
        figure("counters.ops_duplicate", counters.ops_duplicate, count(counters.ops_duplicate)),
      ],
      [
        "Rejected",
        rejected.length === 0
          ? "none"
          : rejected.map(([code, n]) =>
              h(
                "span",
                { class: "each" },
                figure(`counters.ops_rejected.${code}`, n, count(n)),
                ` ${code.toLowerCase().replaceAll("_", " ")}`,
              ),
            ),
      ],
      ["Direct inputs", figure("counters.directs", counters.directs, count(counters.directs))],
      ["Feed readers", figure("feed_readers", feed_readers, count(feed_readers))],
      ["Database", figure("database_bytes", database_bytes, bytes(database_bytes))],
    ),
  ];
}
