/** The newest batches, their frames, and where each stands on L1. */

import type { BatchBody, BatchState, OverviewBody } from "../../../core/api/overview.ts";
import { type Child, h, KEY, type Tree } from "../tree.ts";
import { ago, bytes, count, instant } from "../words.ts";
import { figure, hash, note, tag } from "./parts.ts";

const STATES: Readonly<Record<BatchState, string>> = {
  open: "open",
  closed: "closed",
  posted: "posted",
  accepted: "accepted",
  voided: "void",
};

const COLUMNS = ["Batch", "State", "Frames", "Ops", "Bytes", "Opened", "Transaction", "L1 block"];

export function batches({ batches, now_ms }: OverviewBody): readonly Child[] {
  if (batches.length === 0) return [note("No batch is open yet.")];
  return [
    h(
      "div",
      { class: "scroll", role: "region", "aria-label": "Batches, newest first", tabindex: 0 },
      h(
        "table",
        { class: "batches" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            COLUMNS.map((name) => h("th", { scope: "col" }, name)),
          ),
        ),
        h(
          "tbody",
          {},
          batches.map((batch, i) => row(batch, `batches.${i}`, now_ms)),
        ),
      ),
    ),
  ];
}

function row(batch: BatchBody, path: string, nowMs: number): Tree {
  const { nonce, state, frames, ops, payload_bytes, tx_hash, block_number } = batch;
  const number = (name: string, value: number | null, text = count(value)) =>
    h("td", { class: "number" }, figure(`${path}.${name}`, value, text));
  return h(
    "tr",
    { [KEY]: `${nonce}-${batch.opened_at_ms}`, class: `batch-${state}` },
    h("th", { scope: "row" }, figure(`${path}.nonce`, nonce, count(nonce))),
    h("td", {}, tag(state, STATES[state])),
    number("frames", frames),
    number("ops", ops),
    number("payload_bytes", payload_bytes, bytes(payload_bytes)),
    h("td", {}, times(batch, path, nowMs)),
    h("td", {}, tx_hash === null ? count(null) : hash(tx_hash, `${path}.tx_hash`)),
    number("block_number", block_number),
  );
}

function times({ opened_at_ms, closed_at_ms }: BatchBody, path: string, nowMs: number): Child {
  const opened = h(
    "time",
    {
      "data-field": `${path}.opened_at_ms`,
      "data-value": opened_at_ms,
      title: closingTitle(opened_at_ms, closed_at_ms),
    },
    ago(opened_at_ms, nowMs),
  );
  return opened;
}

function closingTitle(openedAtMs: number, closedAtMs: number | null): string {
  const opened = `opened ${instant(openedAtMs)}`;
  return closedAtMs === null ? opened : `${opened}, closed ${instant(closedAtMs)}`;
}
