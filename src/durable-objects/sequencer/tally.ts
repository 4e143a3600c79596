/**
 * What the log amounts to where a seal carries a state: said in the log itself, right before the seal (C1, C6).
 *
 * Rollbacks and watermarks before it may be in chunks that nobody keeps any more, and neither L1 nor the
 * state tells them. As an event it is covered by the certificate over its chunk, and whoever follows the log
 * compares it with rows of its own; so whoever begins there takes nobody's word for it.
 */

import type { ChunkEvent } from "../../core/chunk/event.ts";
import type { Runtime } from "./runtime.ts";
import { requireHistory } from "./storage/history.ts";
import { loadWatermark } from "./storage/submission.ts";

export type TallyEvent = ChunkEvent & { readonly kind: "tally" };

export function tallyOf({ sql }: Pick<Runtime, "sql">): TallyEvent {
  const { generation } = requireHistory(sql);
  return { kind: "tally", generation, walletNonce: loadWatermark(sql) };
}
