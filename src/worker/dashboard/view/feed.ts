/** The newest records of the feed. What a rollback voided stays, struck through, until it scrolls away. */

import type { FeedRecord } from "../../../core/feed/record.ts";
import type { FeedRow, Model } from "../model.ts";
import { type Child, h, KEY, type Tree } from "../tree.ts";
import { bytes, count } from "../words.ts";
import { hash, note, tag } from "./parts.ts";

/** Beside the heading, from what is known: whether the newest record here is the newest that there is. */
export function feedState({ feed, overview, problem }: Model): readonly Child[] {
  if (!feed.isFollowed) return [];
  const head = overview?.health.feed_head ?? null;
  const here = feed.rows[0]?.record.offset ?? 0;
  const [kind, text] =
    problem !== null || head === null
      ? ["lost", "Not connected"]
      : here >= head
        ? ["live", "Live"]
        : ["behind", "Catching up"];
  return [h("span", { class: `feed-state feed-${kind}` }, text)];
}

export function feed({ feed }: Model): readonly Child[] {
  if (!feed.isFollowed) return [note("The feed is followed by a script, which does not run.")];
  if (feed.rows.length === 0) return [note("No record yet.")];
  return [h("ol", { class: "feed" }, feed.rows.map(row))];
}

function row({ record, isVoid }: FeedRow): Tree {
  const kind = isVoid ? "void" : record.kind;
  return h(
    "li",
    { [KEY]: record.offset, class: `record record-${kind}`, "data-offset": record.offset },
    h("span", { class: "at" }, count(record.offset)),
    tag(kind, isVoid ? "void" : KINDS[record.kind]),
    h("span", { class: "said" }, says(record)),
  );
}

const KINDS: Readonly<Record<FeedRecord["kind"], string>> = {
  user_op: "op",
  direct_input: "direct",
  rollback: "rollback",
};

function says(record: FeedRecord): Child {
  switch (record.kind) {
    case "user_op":
      return [
        h(
          "a",
          { href: `#op/${record.sender}/${record.nonce}`, title: record.sender },
          `${shortSender(record.sender)} · ${count(record.nonce)}`,
        ),
        h("span", { class: "aside" }, `${bytes(record.data.length)}, batch ${record.batchNonce}`),
      ];
    case "direct_input":
      return [
        hash(record.sender),
        h(
          "span",
          { class: "aside" },
          `input ${count(record.inputIndex)} of block ${count(record.blockNumber)}, batch ${record.batchNonce}`,
        ),
      ];
    case "rollback":
      return `Everything after ${count(record.keepThrough)} and before this is void. Generation ${record.generation}.`;
  }
}

function shortSender(sender: string): string {
  return `${sender.slice(0, 6)}…${sender.slice(-4)}`;
}
