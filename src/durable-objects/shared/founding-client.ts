/** Asks the members of a committee that is being founded: by binding, or over HTTPS with a token (C9). */

import type { FoundingBody, KeyCard, ValidatorApi } from "../../core/api/committee-api.ts";
import { parseKeyCard, parseSignature } from "../../core/api/founding.ts";
import { type Rejection, rejection } from "../../core/api/rejection.ts";
import { type Place, parseEndpoint } from "../../core/config/committee.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import type { CommitteeMember } from "./members.ts";
import { SEND_TIMEOUT_MS } from "./outbox.ts";

/** What members answer; a rejection names the member. */
export type FoundingClient = {
  readonly keyOf: (endpoint: string) => Promise<Result<KeyCard, Rejection>>;
  /** A validator's signature of the record. */
  readonly signatureOf: (
    endpoint: string,
    record: Uint8Array,
  ) => Promise<Result<Uint8Array, Rejection>>;
  /** Null: stored. */
  readonly store: (endpoint: string, signedRecord: Uint8Array) => Promise<Rejection | null>;
};

export type FoundingMember = CommitteeMember & Pick<ValidatorApi, "signFounding">;

/** Longest answer that is read. */
const ANSWER_BYTES_MAX = 4_096;

export function foundingClient(
  member: (place: Place) => FoundingMember,
  tokens: Readonly<Record<string, string>>,
): FoundingClient {
  return {
    keyOf: (endpoint) =>
      ask(endpoint, {
        ofObject: (place) => member(place).keyCard(),
        ofUrl: async () => parseKeyCard(await text(`${endpoint}/key`, { method: "GET" })),
      }),
    signatureOf: (endpoint, record) =>
      ask(endpoint, {
        ofObject: (place) => member(place).signFounding(record),
        ofUrl: async () =>
          parseSignature(await text(...founding("POST", endpoint, record, tokens))),
      }),
    store: async (endpoint, signedRecord) => {
      const stored = await ask<FoundingBody | true>(endpoint, {
        ofObject: (place) => member(place).storeFounding(signedRecord),
        ofUrl: async () => {
          await text(...founding("PUT", endpoint, signedRecord, tokens));
          return true;
        },
      });
      return stored.ok ? null : stored.error;
    },
  };
}

type Ways<T> = {
  readonly ofObject: (place: Place) => Promise<Result<T, Rejection>>;
  /** Null: not the answer that was asked for. May throw. */
  readonly ofUrl: () => Promise<T | null>;
};

async function ask<T>(endpoint: string, ways: Ways<T>): Promise<Result<T, Rejection>> {
  const place = parseEndpoint(endpoint);
  try {
    if (place?.at === "object") {
      const answer = await ways.ofObject(place);
      return answer.ok
        ? answer
        : err({ ...answer.error, message: `${endpoint}: ${answer.error.message}` });
    }
    const answer = place === null ? null : await ways.ofUrl();
    return answer === null ? err(silent(endpoint)) : ok(answer);
  } catch {
    // Whatever kept it from answering: the operator asks again.
    return err(silent(endpoint));
  }
}

function silent(endpoint: string): Rejection {
  return rejection(503, "UNAVAILABLE", `${endpoint}: no answer`);
}

function founding(
  method: "POST" | "PUT",
  endpoint: string,
  body: Uint8Array,
  tokens: Readonly<Record<string, string>>,
): readonly [string, RequestInit] {
  const headers = { authorization: `Bearer ${tokens[endpoint] ?? ""}` };
  return [`${endpoint}/founding`, { method, headers, body: body.slice() }];
}

/** The text of a 200; anything else throws. */
async function text(url: string, init: RequestInit): Promise<string> {
  const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
  const response = await fetch(url, { ...init, redirect: "manual", signal });
  const bytes = await response.arrayBuffer();
  if (response.status !== 200 || bytes.byteLength > ANSWER_BYTES_MAX) {
    throw new Error("the member refuses");
  }
  return new TextDecoder().decode(bytes);
}
