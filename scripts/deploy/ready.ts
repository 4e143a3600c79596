/** Waits until a deployment would take an op, and says what it waits for. */

import { setTimeout as sleep } from "node:timers/promises";
import type { DeployIo } from "./io.ts";

const POLL_MS = 2_000;
const TIMEOUT_MS = 10_000;

/** Whether it did so within `limitMs`. */
export async function waitUntilReady(
  io: DeployIo,
  url: string,
  limitMs: number,
  pollMs: number = POLL_MS,
): Promise<boolean> {
  let before = "";
  for (const deadlineMs = Date.now() + limitMs; ; await sleep(pollMs)) {
    if ((await ask(`${url}/readyz`))?.status === 200) return true;
    const now = describe(await ask(`${url}/healthz`));
    if (now !== before) io.say(now);
    before = now;
    if (Date.now() > deadlineMs) return false;
  }
}

type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

async function ask(url: string): Promise<Answer | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { status: response.status, body: parse(text) };
  } catch {
    // A name that is new may not be known everywhere yet.
    return null;
  }
}

function parse(text: string): Answer["body"] {
  try {
    return Object(JSON.parse(text));
  } catch {
    // Not ours: Cloudflare's own page for a Worker that is not there yet.
    return {};
  }
}

function describe(health: Answer | null): string {
  if (health === null) return "it does not answer yet";
  const { mode, refusal, code } = health.body;
  if (typeof mode !== "string") {
    return `it answers ${health.status}${typeof code === "string" ? ` ${code}` : ""}`;
  }
  return typeof refusal === "string" ? `${mode}: ${refusal}` : mode;
}
