/** What the operation page found: where an op is, and what its receipt proves. */

import type { OpState } from "../../../core/api/sequencer-api.ts";
import type { Transaction } from "../../../sdk/client-types.ts";
import { type Child, h, type Tree } from "../tree.ts";
import { count } from "../words.ts";
import { facts, hash, note } from "./parts.ts";

/** What a verification came to. `genesis` is what it began from, `isPinned` whether the reader gave it. */
export type Verdict =
  | {
      readonly kind: "proven";
      readonly tier: "ordered" | "certified";
      readonly says: string;
      readonly limits: string;
      readonly facts: readonly (readonly [name: string, value: string])[];
      readonly genesis: string;
      readonly isPinned: boolean;
    }
  | {
      readonly kind: "refuted";
      readonly says: string;
      readonly genesis: string;
      readonly isPinned: boolean;
    }
  | { readonly kind: "unknown"; readonly says: string };

export type OpResult = {
  readonly where: Transaction | null;
  readonly problem: string | null;
  readonly isVerifying: boolean;
  readonly verdict: Verdict | null;
};

export function operationResult({
  where,
  problem,
  isVerifying,
  verdict,
}: OpResult): readonly Child[] {
  return [
    problem === null ? null : h("p", { class: "alarm" }, `The sequencer says: ${problem}.`),
    where === null ? null : whereabouts(where),
    isVerifying && verdict === null ? note("Verifying…") : null,
    verdict === null ? null : verdictSheet(verdict),
  ];
}

const STEPS: readonly (readonly [OpState, string])[] = [
  ["ordered", "Ordered"],
  ["certified", "Certified"],
  ["posted", "Posted"],
  ["settled", "Settled"],
];

function whereabouts(op: Transaction): Tree {
  const reached = STEPS.findIndex(([state]) => state === op.state);
  const steps =
    op.state === "voided"
      ? [h("li", { class: "step step-void", "aria-current": "step" }, "Void")]
      : STEPS.map(([state, name], i) =>
          h(
            "li",
            {
              class: i <= reached ? "step step-done" : "step",
              "aria-current": i === reached ? "step" : null,
              "data-state": state,
            },
            name,
          ),
        );
  return h(
    "section",
    { class: "sheet", "aria-labelledby": "where-title" },
    h("h2", { id: "where-title" }, `Where it is: ${op.state}`),
    h("ol", { class: "steps" }, steps),
    facts(
      ["Sender", hash(op.sender)],
      ["Nonce", count(op.nonce)],
      ["Offset", count(op.offset)],
      ["Batch", count(op.batch_nonce)],
      ["Fee exponent", count(op.frame_fee)],
      ["Digest", hash(op.digest)],
      op.l1 === null ? null : ["L1 transaction", hash(op.l1.tx_hash)],
      op.l1 === null ? null : ["L1 block", count(op.l1.block_number)],
      op.voided === null
        ? null
        : [
            "Voided by",
            `the rollback at ${count(op.voided.rollback_offset)}, generation ${op.voided.generation}`,
          ],
    ),
    op.receipt === null
      ? note("There is no receipt: without a committee the promise is the sequencer's word alone.")
      : null,
  );
}

const WORDS = { proven: "Proven.", refuted: "Refuted.", unknown: "Not told." } as const;

function verdictSheet(verdict: Verdict): Tree {
  return h(
    "section",
    { class: "sheet", "aria-label": "Verdict", "data-verdict": verdict.kind },
    h(
      "p",
      { class: `verdict verdict-${verdict.kind}` },
      h("b", {}, WORDS[verdict.kind]),
      ` ${verdict.says}`,
    ),
    verdict.kind === "proven" ? note(verdict.limits) : null,
    verdict.kind === "unknown" ? null : note(trust(verdict)),
    verdict.kind === "proven" ? facts(...verdict.facts.map(factOf)) : null,
  );
}

function factOf([name, value]: readonly [string, string]): readonly [string, Child] {
  return [name, value.startsWith("0x") ? hash(value) : value];
}

/** What the reader believes who believes the verdict. */
function trust({ isPinned }: { readonly isPinned: boolean }): string {
  const from = isPinned
    ? "It was verified from the genesis that you gave, and no word of the sequencer was taken."
    : "The genesis was taken from this sequencer's own /deployment: whether that is the committee you mean is its word.";
  return `${from} This page is the sequencer's too; baton verify-receipt does the same on your own machine.`;
}
