/**
 * What lies below a relay's window, fetched from upstream page by page (X3).
 *
 * Readers that come to the same place share the page. A page that was fetched before a rollback may hold
 * what is void now; whoever gets it gets the rollback later, as with any cursor (F3), but the pages are
 * forgotten then. Never rejects.
 */

import { FEED_LIMIT_MAX } from "../../core/api/query.ts";
import type { Rejection } from "../../core/api/rejection.ts";
import type { FeedPage, FeedQuery } from "../../core/api/sequencer-api.ts";
import { parseFrame, type RelayedRecord, readRelayed } from "../../core/feed/relayed.ts";
import { ok, type Result } from "../../core/types/result.ts";
import type { World } from "../sequencer/runtime.ts";
import { errorName, log } from "../shared/log.ts";
import { within } from "../shared/within.ts";
import type { FeedSource } from "./source.ts";

/** A page with its records read. */
export type ReadPage = Omit<FeedPage, "records"> & { readonly records: readonly RelayedRecord[] };

export type Ask = (query: FeedQuery) => Promise<Result<ReadPage, Rejection> | null>;

/** Pages that are kept, and how long: readers that catch up together come within it. */
const PAGES_MAX = 8;
const PAGE_MS = 5_000;
/** Questions that upstream is asked at a time, and those that wait for their turn. */
const ASKED_MAX = 16;
const WAITING_MAX = 1_024;
export const ASK_LIMIT_MS = 10_000;

/** Asks upstream for pages. Null: it could not be asked, or too many questions wait. */
export function createAsk(connect: () => Promise<FeedSource>, later: World["later"]): Ask {
  const waiting: (() => void)[] = [];
  let asked = 0;
  const ask = async (query: FeedQuery) => {
    const page = await (await connect()).feedPage(query);
    return page.ok ? readPageOf(page.value) : page;
  };
  return async (query) => {
    if (waiting.length >= WAITING_MAX) return null;
    if (asked >= ASKED_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
    else asked += 1;
    try {
      return await within(ask(query), ASK_LIMIT_MS, later);
    } catch (error) {
      log("warn", "relay-upstream-lost", { error: errorName(error) });
      return null;
    } finally {
      // The turn goes to the next one, or back.
      const next = waiting.shift();
      if (next === undefined) asked -= 1;
      else next();
    }
  };
}

/** Null: it holds what no feed sends. */
function readPageOf(page: FeedPage): Result<ReadPage, Rejection> | null {
  const records = readRecords(parseFrame(`[${page.records.join(",")}]`) ?? [null]);
  return records === null ? null : ok({ ...page, records });
}

/** Null: one is no record. */
function readRecords(values: readonly unknown[]): readonly RelayedRecord[] | null {
  const records: RelayedRecord[] = [];
  for (const value of values) {
    const record = readRelayed(value);
    if (record?.kind !== "record") return null;
    records.push(record);
  }
  return records;
}

type Kept = { readonly atMs: number; readonly page: ReturnType<Ask> };

export class Past {
  readonly #ask: Ask;
  readonly #now: World["now"];
  readonly #pages = new Map<number, Kept>();

  constructor(ask: Ask, now: World["now"]) {
    this.#ask = ask;
    this.#now = now;
  }

  clear(): void {
    this.#pages.clear();
  }

  /** What comes after `from`, in the history `era`. Null: to be asked again later. */
  async page(from: number, era: string): Promise<Result<ReadPage, Rejection> | null> {
    const kept = this.#pages.get(from);
    if (kept !== undefined && Math.abs(this.#now() - kept.atMs) < PAGE_MS) return kept.page;
    const page = this.#ask({ fromOffset: from, limit: FEED_LIMIT_MAX, era });
    this.#keep(from, page);
    const answer = await page;
    // What was refused now may be there in a moment.
    if (answer?.ok !== true && this.#pages.get(from)?.page === page) this.#pages.delete(from);
    return answer ?? null;
  }

  #keep(from: number, page: Kept["page"]): void {
    this.#pages.delete(from);
    this.#pages.set(from, { atMs: this.#now(), page });
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > PAGES_MAX && oldest !== undefined) this.#pages.delete(oldest);
  }
}
