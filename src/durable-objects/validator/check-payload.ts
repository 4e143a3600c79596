/** What a validator asks of a chunk before it stores it: its link to the header, and in mode `full` its meaning (C4). */

import type { PayloadCheck } from "../../consensus/payload.ts";
import { checkChunk } from "../../core/chunk/check.ts";
import type { ChunkHeader } from "../../core/chunk/header.ts";
import type { StartPoint } from "../../core/consensus/epoch-record.ts";
import { log } from "../shared/log.ts";
import { Execution } from "./execution.ts";
import type { ValidatorRuntime } from "./runtime.ts";
import { loadRecords } from "./storage/records.ts";

/** Chunks are judged in the order of the calls: an answer is there before the next call begins. */
export function payloadCheck(runtime: ValidatorRuntime): PayloadCheck {
  const execution = runtime.config.validatorMode === "full" ? new Execution(runtime) : null;
  return (header, bytes) => {
    const events = checkChunk(header, bytes, openingOf(runtime, header));
    const isGood = events.ok && (execution === null || execution.agrees(header, events.value));
    if (!isGood) {
      const { epoch, height } = header;
      log("warn", "chunk-refused", { epoch, height, reason: events.ok ? "full" : events.error });
    }
    return Promise.resolve(isGood);
  };
}

/** The start of the header's epoch, if it is the epoch's first chunk and the epoch is not the first. */
function openingOf({ sql }: ValidatorRuntime, header: ChunkHeader): StartPoint | null {
  if (header.epoch === 0) return null;
  const known = loadRecords(sql).find(({ record }) => record.epoch === header.epoch);
  const start = known?.record.start ?? null;
  return start !== null && header.height === (start.inherited?.height ?? -1) + 1 ? start : null;
}
