/** Who certifies: each validator with what it is behind, the epochs, and proofs of broken promises. */

import type { EpochBody, MemberBody, OverviewBody } from "../../../core/api/overview.ts";
import type { CertificationReason } from "../../../core/api/sequencer-api.ts";
import { type Child, h, KEY, type Tree } from "../tree.ts";
import { count, counted } from "../words.ts";
import { facts, figure, hash, note, tag } from "./parts.ts";

const REASONS: Readonly<Record<CertificationReason, string>> = {
  "not-founded": "The operator has not founded the committee.",
  "no-quorum": "Fewer validators than the quorum answer.",
  slow: "A quorum answers, and its certificates do not come.",
};

export function committee({ health, members, epochs }: OverviewBody): readonly Child[] {
  const body = health.committee;
  if (body === null) {
    return [
      note("There is none: a receipt is the sequencer's word alone until its batch is on L1."),
    ];
  }
  return [
    body.reason === null ? null : h("p", { class: "alarm" }, REASONS[body.reason]),
    facts(
      ["Leader", [body.leader ?? "none", body.is_leader ? null : " (elsewhere)"]],
      ["Epoch", figure("health.committee.epoch", body.epoch, count(body.epoch))],
      [
        "Quorum",
        [
          figure("health.committee.reachable", body.reachable, count(body.reachable)),
          " answer, ",
          figure("health.committee.quorum", body.quorum, count(body.quorum)),
          ` of ${count(members.length)} needed`,
        ],
      ],
      [
        "Certified height",
        figure(
          "health.committee.certified_height",
          body.certified_height,
          body.certified_height < 0 ? "none" : count(body.certified_height),
        ),
      ],
      [
        "Uncertified",
        figure(
          "health.committee.uncertified_events",
          body.uncertified_events,
          counted(body.uncertified_events, "event"),
        ),
      ],
      [
        "Evidence",
        h(
          "span",
          { class: body.evidence > 0 ? "alarm" : "" },
          figure(
            "health.committee.evidence",
            body.evidence,
            body.evidence === 0 ? "no broken promise" : counted(body.evidence, "broken promise"),
          ),
        ),
      ],
    ),
    members.length > 0 && memberTable(members),
    epochs.length > 0 && epochList(epochs),
  ];
}

/** Chunks behind at which a bar is full. */
const LAG_FULL = 32;

function memberTable(members: readonly MemberBody[]): Tree {
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": "Validators", tabindex: 0 },
    h(
      "table",
      { class: "members" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Validator", "Acked", "Behind", "Key"].map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        [...members.entries()]
          .sort(([, a], [, b]) => (a.endpoint < b.endpoint ? -1 : 1))
          .map(([i, member]) => memberRow(member, i)),
      ),
    ),
  );
}

function memberRow(member: MemberBody, i: number): Tree {
  const { endpoint, key, acked_height, lag, is_reachable } = member;
  const path = `members.${i}`;
  const state = is_reachable === null ? "unknown" : is_reachable ? "up" : "down";
  return h(
    "tr",
    { [KEY]: endpoint },
    h(
      "th",
      { scope: "row", title: endpoint },
      h("span", { class: `lamp lamp-${state}` }),
      nameOf(endpoint),
      is_reachable === false ? [" ", tag("void", "silent")] : null,
    ),
    h(
      "td",
      { class: "number" },
      figure(
        `${path}.acked_height`,
        acked_height,
        acked_height === -1 ? "none" : count(acked_height),
      ),
    ),
    h(
      "td",
      { class: "number" },
      figure(`${path}.lag`, lag, count(lag)),
      lag === null ? null : bar(lag),
    ),
    h("td", {}, hash(key)),
  );
}

function bar(lag: number): Tree {
  const width = Math.min(1, lag / LAG_FULL) * 40;
  return h(
    "svg",
    { class: "lag", viewBox: "0 0 40 6", width: 40, height: 6, "aria-hidden": "true" },
    h("rect", { class: "lag-all", width: 40, height: 6, rx: 1 }),
    h("rect", { class: "lag-is", width, height: 6, rx: 1 }),
  );
}

/** The last part of an endpoint: `v1` of `object:validator/v1`. */
function nameOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf("/") + 1);
}

function epochList(epochs: readonly EpochBody[]): Tree {
  return h(
    "div",
    { class: "epochs" },
    h("h3", {}, "Epochs, newest first"),
    h(
      "ol",
      { reversed: true },
      epochs.map(({ epoch, leader, from_height }, i) =>
        h(
          "li",
          { [KEY]: epoch },
          figure(`epochs.${i}.epoch`, epoch, count(epoch)),
          ` · ${leader} · from height `,
          figure(`epochs.${i}.from_height`, from_height, count(from_height)),
        ),
      ),
    ),
  );
}
