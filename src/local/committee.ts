/**
 * The committee of a local stack: who belongs to it, where each is reached, and its founding (C5, C9).
 *
 * By default all are objects of one Worker, reached by bindings. Spread out, each validator and each
 * candidate has a process of its own and is reached over loopback, as members of other accounts are.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { must } from "../core/types/assert.ts";
import type { HeldPorts } from "./held-ports.ts";
import { urlOf } from "./listen-address.ts";
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

const ANSWER_LIMIT_MS = 10_000;
const POLL_MS = 200;

/** `leaderUrl`: where the stack's own Worker listens. The members' ports are held, in `ports`. */
export async function planCommittee(
  { validators, candidates, isSpread }: CommitteeOptions,
  leaderUrl: string,
  ports: HeldPorts,
): Promise<CommitteePlan> {
  const plan: MemberPlan[] = [];
  for (let i = 0; i < candidates + validators; i++) {
    const kind = i < candidates ? "sequencer" : "validator";
    const name = kind === "sequencer" ? candidateId(i) : `v${i - candidates + 1}`;
    if (!isSpread) {
      plan.push({ kind, name, port: null, endpoint: `object:${kind}/${name}` });
      continue;
    }
    const port = i === 0 ? null : await ports.holdAny();
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

export type Founding = {
  /** Of the first candidate's Worker. */
  readonly url: string;
  readonly operatorToken: string;
  readonly plan: CommitteePlan;
  /** Gives up. */
  readonly signal: AbortSignal;
};

/**
 * Resolves with the hash of the first record when the committee exists; asked again, it is the one that
 * was founded before. Null when it was given up.
 */
export async function foundCommittee(founding: Founding): Promise<string | null> {
  while (!founding.signal.aborted) {
    const hash = await askForFounding(founding);
    if (hash !== null) return hash;
    await sleep(POLL_MS);
  }
  return null;
}

/** Null: not yet, for the sequencer is starting or a member does not answer. */
async function askForFounding({ url, operatorToken, plan }: Founding): Promise<string | null> {
  // The members' processes have the same operator.
  const away = plan.filter(({ port }) => port !== null);
  const tokens = Object.fromEntries(away.map(({ endpoint }) => [endpoint, operatorToken]));
  try {
    const response = await fetch(`${url}/operator/committee`, {
      method: "POST",
      headers: { authorization: `Bearer ${operatorToken}`, "content-type": "application/json" },
      body: JSON.stringify({ tokens }),
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    const { hash }: { hash?: string } = JSON.parse(await response.text());
    return hash ?? null;
  } catch {
    // A Worker that is not there yet, or is gone: whoever waits for it to serve finds out.
    return null;
  }
}
