/**
 * The committee of a local stack: who belongs to it, where each is reached, and its founding (C5, C9).
 *
 * By default all are objects of one Worker, reached by bindings. Spread out, each validator and each
 * candidate has a process of its own and is reached over loopback, as members of other accounts are.
 */

import { must } from "../core/types/assert.ts";
import { LocalFailure } from "./failure.ts";
import { freePort, urlOf } from "./listen-address.ts";
import { poll } from "./sequencer-client.ts";
import type { Variables } from "./variables.ts";

export type CommitteeOptions = {
  readonly validators: number;
  readonly candidates: number;
  /** Each in a process of its own, but for the first candidate, which is in the stack's. */
  readonly isSpread: boolean;
};

export type MemberPlan = {
  readonly kind: "sequencer" | "validator";
  /** Id of a candidate or name of a validator. */
  readonly name: string;
  /** Null: an object of the stack's own Worker. */
  readonly port: number | null;
  readonly endpoint: string;
};

/** The first one is the candidate that leads epoch 0. */
export type CommitteePlan = readonly MemberPlan[];

const FOUNDING_LIMIT_MS = 60_000;
const POLL_MS = 100;

/** `leaderUrl`: where the stack's own Worker listens. */
export async function planCommittee(
  { validators, candidates, isSpread }: CommitteeOptions,
  leaderUrl: string,
): Promise<CommitteePlan> {
  const plan: MemberPlan[] = [];
  for (let i = 0; i < candidates + validators; i++) {
    const kind = i < candidates ? "sequencer" : "validator";
    const name = kind === "sequencer" ? candidateId(i) : `v${i - candidates + 1}`;
    if (!isSpread) {
      plan.push({ kind, name, port: null, endpoint: `object:${kind}/${name}` });
      continue;
    }
    const port = i === 0 ? null : await freePort();
    const base = port === null ? leaderUrl : urlOf({ host: "127.0.0.1", port });
    plan.push({ kind, name, port, endpoint: `${base}/committee/${kind}/${name}` });
  }
  return plan;
}

function candidateId(at: number): string {
  return must("abcdefghijklmnop"[at], "a record lists at most 16 candidates");
}

export function committeeVariables(plan: CommitteePlan, kek: string): Variables {
  const of = (kind: MemberPlan["kind"]) => plan.filter((member) => member.kind === kind);
  return {
    SEQ_CANDIDATES: of("sequencer")
      .map(({ name, endpoint }) => `${name}=${endpoint}`)
      .join(","),
    SEQ_VALIDATORS: of("validator")
      .map(({ endpoint }) => endpoint)
      .join(","),
    SEQ_VALIDATOR_KEK: kek,
  };
}

/** Resolves when the committee exists; asked again, it is the one that was founded before. */
export async function foundCommittee(url: string, operatorToken: string): Promise<void> {
  let said = "no answer";
  const founded = await poll(
    async () => {
      try {
        const response = await fetch(`${url}/operator/committee`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${operatorToken}`,
            "content-type": "application/json",
          },
          body: "{}",
          signal: AbortSignal.timeout(10_000),
        });
        said = `${response.status} ${await response.text()}`;
        return response.ok ? true : null;
      } catch (error) {
        said = error instanceof Error ? error.name : "error";
        return null;
      }
    },
    { everyMs: POLL_MS, limitMs: FOUNDING_LIMIT_MS },
  );
  if (founded === null) throw new LocalFailure(`the committee was not founded: ${said}`);
}
