/** `GET /overview` as the commands ask for it, and the few forms in which its numbers are told. */

import type { OverviewBody } from "../core/api/overview.ts";
import { overviewOf } from "../sdk/bodies.ts";
import { BatonError } from "../sdk/errors.ts";
import { CommandFailure } from "./io.ts";
import { describeRefusal, type SequencerClient } from "./sequencer-client.ts";

const PATH = "/overview";
const BYTES_MAX = 1024 * 1024;
const WEI_DIGITS = 18;

/** Throws `CommandFailure`. */
export async function askOverview(client: SequencerClient): Promise<OverviewBody> {
  const answer = await client.get(PATH, BYTES_MAX);
  if (answer.status !== 200) throw new CommandFailure(describeRefusal(PATH, answer));
  try {
    return overviewOf(answer.body);
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    throw new CommandFailure(`${PATH} has not the shape of an overview`);
  }
}

/** With four decimals, cut off. */
export function formatEther(wei: bigint): string {
  const digits = wei.toString().padStart(WEI_DIGITS + 1, "0");
  const [whole, rest] = [digits.slice(0, -WEI_DIGITS), digits.slice(-WEI_DIGITS)];
  return `${whole}.${rest.slice(0, 4)} ether`;
}

/** `12 s`, `3 min`, `5 h`, `2 days`; `?` when unknown. */
export function formatAge(seconds: number | null): string {
  if (seconds === null) return "?";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
