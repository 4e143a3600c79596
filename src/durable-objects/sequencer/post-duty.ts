/** The duty that hands batches to L1: when there is anything to post, and what is told of it. */

import { ok, type Result } from "../../core/types/result.ts";
import type { L1, L1Error } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import type { Counters } from "./counters.ts";
import { type Poster, type PostOutcome, postBatches } from "./post-batches.ts";
import { isBaseReached, loadHistory } from "./storage/history.ts";
import { loadIdentity } from "./storage/identity.ts";
import { countPostedAfter, newestPostedIndex } from "./storage/overview.ts";

const NOTHING_DUE: Pick<PostOutcome, "waiting" | "isUncertified"> = { waiting: 0 };

export async function postDuty(
  poster: Poster & { readonly counters: Counters },
  connect: () => L1,
): Promise<Result<Pick<PostOutcome, "waiting" | "isUncertified">, L1Error>> {
  const { sql } = poster.runtime;
  const identity = loadIdentity(sql);
  if (identity === null || loadHistory(sql) === null || !isBaseReached(sql)) return ok(NOTHING_DUE);
  const before = newestPostedIndex(sql);
  const outcome = await postBatches(poster, connect(), identity);
  // Also where a send failed: those before it were taken.
  poster.counters.batchesPosted += countPostedAfter(sql, before);
  if (outcome.ok && outcome.value.capped) {
    log("warn", "fees-capped", { waiting: outcome.value.waiting });
  }
  return outcome;
}
