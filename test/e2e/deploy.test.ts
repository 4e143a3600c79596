/** The end of a deployment, on a sequencer that really serves: it gets ready, and the real doctor sees it. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { NOT_WELL, WELL } from "../../scripts/deploy/run.ts";
import { ROOT } from "../../scripts/inputs.ts";
import { DeployWorld } from "../support/deploy-world.ts";
import { startProduct } from "../support/product.ts";

test("[I7] a deployment ends well on a sequencer that is well, and not on one that is gone", async () => {
  const product = await startProduct();
  const world = await DeployWorld.open();
  try {
    const { url, rpcUrl } = product.stack;
    const given = {
      env: { SEQ_ETH_RPC_URL: rpcUrl },
      doctor: [process.execPath, join(ROOT, "src/cli/main.ts"), "doctor"],
    };
    expect(await world.run(given, { url })).toBe(WELL);
    await product.stack.killWorkerd();
    expect(await world.run(given, { url, waitMs: 500 })).toBe(NOT_WELL);
    expect(world.said).toContain("it does not answer yet");
  } finally {
    world.close();
    await product.stop();
  }
});
