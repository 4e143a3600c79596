/** The flush as a command runs it: with the deployment's limits, telling what it waits for (R2). */

import type { Config } from "../core/config/config.ts";
import type { BlockNumber } from "../core/types/units.ts";
import type { L1 } from "../l1/l1.ts";
import { createSubmitter } from "../l1/submitter.ts";
import { describeL1Error } from "./connect.ts";
import { flush } from "./flush.ts";
import { CommandFailure, type Speech } from "./io.ts";

/** `l1` is one endpoint from beginning to end. Throws `CommandFailure`. */
export async function runFlush(l1: L1, config: Config, speech: Speech): Promise<BlockNumber> {
  let hasSaidStuck = false;
  const flushed = await flush(l1, createSubmitter(config.secrets.submitterKey), {
    chainId: config.chainId,
    secondsPerBlock: config.timing.secondsPerBlock,
    capWei: config.maxFeePerGasWei,
    budgetWei: config.flushBudgetWei,
    onWait: (text, isStuck) => {
      if (isStuck && !hasSaidStuck) speech.note(`flush: ${text}`);
      else speech.progress(`flush: ${text}`);
      hasSaidStuck = isStuck;
    },
  });
  if (!flushed.ok) throw new CommandFailure(`flush: ${describeL1Error(flushed.error)}`);
  return flushed.value;
}
