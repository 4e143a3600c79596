/** A whole body of `GET /overview` with every part filled in, for tests of what is painted from it. */

import type { OverviewBody } from "../../src/core/api/overview.ts";

const NOW_MS = Date.UTC(2026, 0, 2, 14, 3, 22);

/** Under a committee, serving, with batches in every state. */
export function overviewBody(given: Partial<OverviewBody> = {}): OverviewBody {
  return {
    now_ms: NOW_MS,
    since_ms: NOW_MS - 7_260_000,
    health: {
      status: "ok",
      mode: "serving",
      safe_block: 48_213,
      safe_block_age_s: 14,
      blocks_to_danger: 871,
      unposted_batches: 2,
      oldest_unposted_age_s: 95,
      feed_head: 12_874,
      era: "3f1c2d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f",
      generation: 1,
      refusal: null,
      recovery: null,
      committee: {
        epoch: 2,
        leader: "a",
        is_leader: true,
        certified_height: 9_120,
        uncertified_events: 3,
        reachable: 3,
        quorum: 3,
        evidence: 0,
        reason: null,
      },
    },
    deployment: {
      chain_id: 31_337,
      app: "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B",
      input_box: "0x1b51e2992A2755Ba4D6F7094032DF91991a0Cfac",
      input_box_block: 7,
      submitter: "0xBcd4042DE499D14e55001CcbB24a551F3b954096",
      application: "wallet",
      application_config: { erc20_portal: "0xACA6586A0Cf05bD831f2501E7B4aea550dA6562D" },
      era: "3f1c2d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f",
      committee: { genesis: `0x${"5e".repeat(32)}` },
    },
    seconds_per_block: 12,
    danger_blocks: 900,
    submitter: {
      address: "0xBcd4042DE499D14e55001CcbB24a551F3b954096",
      balance_wei: "9984321098765432109876",
      balance_age_s: 9,
    },
    pipeline: {
      ordered: 12_874,
      certified: 12_871,
      closed: 12_852,
      posted: 12_790,
      settled: 12_414,
    },
    batches: [
      batch(212, "open", 22, { closed_at_ms: null, payload_bytes: null, tx_hash: null }),
      batch(211, "closed", 62, { tx_hash: null }),
      batch(210, "posted", 188),
      batch(209, "posted", 188),
      batch(208, "accepted", 241, { block_number: 48_201 }),
      batch(207, "voided", 12, { tx_hash: null }),
      batch(206, "accepted", 1_905, { block_number: 48_155 }),
    ],
    fee: { fee: 1_060, recommended_fee: 1_058, suggested_max_fee: 1_074 },
    members: [
      member("v1", 9_120, 0, true),
      member("v2", 9_119, 1, true),
      member("v3", 9_120, 0, true),
      member("v4", 9_093, 27, false),
    ],
    epochs: [
      { epoch: 2, leader: "a", from_height: 8_400 },
      { epoch: 1, leader: "b", from_height: 3_011 },
      { epoch: 0, leader: "a", from_height: 0 },
    ],
    heartbeat_age_s: 20,
    database_bytes: 18_432_000,
    feed_readers: 3,
    counters: {
      calls: 9_981,
      ops_included: 12_702,
      ops_duplicate: 17,
      ops_rejected: { EXECUTION_REJECTED: 41, INVALID_SIGNATURE: 6 },
      directs: 160,
      rollbacks: 1,
      ops_voided: 12,
      batches_posted: 211,
      l1_errors: 4,
      commit: {
        counts: [310, 5_120, 4_870, 1_402, 611, 240, 96, 31, 14, 6, 2, 0, 0],
        sum_ms: 61_204,
      },
      certificate: {
        counts: [0, 2, 96, 700, 3_900, 3_020, 1_060, 240, 80, 19, 3, 1, 0],
        sum_ms: 512_033,
      },
    },
    ...given,
  };
}

function batch(
  nonce: number,
  state: OverviewBody["batches"][number]["state"],
  ops: number,
  given: Partial<OverviewBody["batches"][number]> = {},
): OverviewBody["batches"][number] {
  const opened_at_ms = NOW_MS - (213 - nonce) * 47_000;
  return {
    nonce,
    state,
    frames: 1 + (nonce % 4),
    ops,
    opened_at_ms,
    closed_at_ms: opened_at_ms + 46_000,
    payload_bytes: 120 + ops * 170,
    tx_hash: `0x${nonce.toString(16).padStart(4, "0").repeat(16)}`,
    block_number: null,
    ...given,
  };
}

function member(name: string, acked_height: number, lag: number, is_reachable: boolean) {
  const key = `0x${"04".repeat(30)}${name.charCodeAt(1).toString(16).repeat(3)}`;
  return { endpoint: `object:validator/${name}`, key, acked_height, lag, is_reachable };
}
