/** Asks another member for a part of a snapshot: by binding, or with a signed question (C9). */

import { type CommitteeMemberApi, SNAPSHOT_PART_BYTES } from "../../core/api/committee-api.ts";
import { type Place, parseEndpoint } from "../../core/config/committee.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { signedHeaders, type TransportParts } from "./committee-transport.ts";
import { SEND_TIMEOUT_MS } from "./outbox.ts";
import { within } from "./within.ts";

export type AskParts = Pick<TransportParts, "self" | "history" | "sign" | "now" | "later"> & {
  readonly member: (place: Place) => Pick<CommitteeMemberApi, "snapshotPart">;
};

/** Null: it has not got it, or does not answer. */
export type AskPart = (endpoint: string, hash: Hash32, part: number) => Promise<Uint8Array | null>;

export function snapshotUrl(endpoint: string, hash: Hash32, part: number): string {
  return `${endpoint}/snapshot/${hash}/${part}`;
}

export function askPartWith(parts: AskParts): AskPart {
  return async (endpoint, hash, part) => {
    const place = parseEndpoint(endpoint);
    if (place === null) return null;
    try {
      if (place.at === "url") return await overHttps(parts, snapshotUrl(endpoint, hash, part));
      const asked = parts.member(place).snapshotPart(hash, part);
      const answer = await within(asked, SEND_TIMEOUT_MS, parts.later);
      return answer?.ok === true ? answer.value : null;
    } catch {
      // A member that is gone is asked again later, or another one is.
      return null;
    }
  };
}

/** The question is a message without a body, addressed to the whole URL. */
async function overHttps(
  { self, history, sign, now }: AskParts,
  url: string,
): Promise<Uint8Array | null> {
  const [from, of] = [self(), history()];
  if (from === null || of === null) return null;
  const envelope = { ...of, from, to: url, sentAtMs: now() };
  const response = await fetch(url, {
    headers: await signedHeaders(sign, envelope, new Uint8Array(0)),
    redirect: "manual",
    signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return response.status === 200 && bytes.length <= SNAPSHOT_PART_BYTES ? bytes : null;
}
