/** What local programs ask of a running sequencer over HTTP. Not an SDK: it polls, and it is terse. */

import { setTimeout as sleep } from "node:timers/promises";
import type { FeeQuote, HealthBody, TransactionBody } from "../core/api/sequencer-api.ts";
import { type FeedRecord, parseRecord } from "../core/feed/record.ts";
import type { Address } from "../core/types/hex.ts";

const TIMEOUT_MS = 10_000;
const FEED_PAGE_RECORDS = 1000;

export type FeedPage = { readonly records: readonly FeedRecord[]; readonly nextOffset: number };

export type Posted = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

export class SequencerClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async isReady(): Promise<boolean> {
    return (await this.#get("/readyz")).status === 200;
  }

  async health(): Promise<HealthBody> {
    return JSON.parse(await (await this.#get("/healthz")).text());
  }

  fee(): Promise<FeeQuote> {
    return this.#json<FeeQuote>("/fee");
  }

  async nextNonce(sender: Address): Promise<number> {
    return (await this.#json<{ next_nonce: number }>(`/nonce?sender=${sender}`)).next_nonce;
  }

  transaction(sender: Address, nonce: number): Promise<TransactionBody> {
    return this.#json<TransactionBody>(`/tx/${sender}/${nonce}`);
  }

  async feed(fromOffset: number): Promise<FeedPage> {
    const page = await this.#json<{ records: unknown[]; next_offset: number }>(
      `/feed?from_offset=${fromOffset}&limit=${FEED_PAGE_RECORDS}`,
    );
    const records = page.records.map((record) => {
      const parsed = parseRecord(JSON.stringify(record));
      if (!parsed.ok) throw new Error(`the feed sent a record that is none: ${parsed.error}`);
      return parsed.value;
    });
    return { records, nextOffset: page.next_offset };
  }

  async submit(body: string): Promise<Posted> {
    const response = await fetch(`${this.url}/tx`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, body: JSON.parse(await response.text()) };
  }

  #get(path: string): Promise<Response> {
    return fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  }

  async #json<T>(path: string): Promise<T> {
    const response = await this.#get(path);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
}

/** Asks until the answer is not null; null after `limitMs`. */
export async function poll<T>(
  ask: () => Promise<T | null>,
  options: { readonly everyMs: number; readonly limitMs: number },
): Promise<T | null> {
  for (const deadlineMs = Date.now() + options.limitMs; ; ) {
    const answer = await ask();
    if (answer !== null || Date.now() > deadlineMs) return answer;
    await sleep(options.everyMs);
  }
}
