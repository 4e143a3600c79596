/** The counter as its users meet it: on workerd, over a real chain, against the canonical fold. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { address, blockNumber, checkApplication, must } from "baton-sequencer/application";
import { createClient } from "baton-sequencer/client";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { buildRollup } from "../../scripts/build.ts";
import { devAccounts } from "../../src/local/accounts.ts";
import { startStack } from "../../src/local/stack.ts";
import { runCommand } from "../../test/support/command.ts";
import { counter, encodeRaise, totalIn } from "./counter.ts";

const user = privateKeyToAccount(must(devAccounts()[1], "there are ten users").privateKey);

test("[X4] the counter is sound", () => {
  const steps = ["a1", "b0", "a1"].flatMap((digits, amount) => {
    const sender = address(`0x${digits.repeat(20)}`);
    const payload = encodeRaise(0xffff_ffff - amount);
    return [
      { sender, data: encodeRaise(amount) },
      { sender, blockNumber: blockNumber(amount), payload },
    ];
  });
  expect(checkApplication(counter, {}, steps)).toEqual([]);
});

test("[X4] the counter runs, settles, and is what L1 makes of it", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "counter-"));
  const rollup = { bundle: buildRollup("examples/counter-app"), application: counter };
  const stack = await startStack({ dataDir, rollup, slotsInEpoch: 2, fresh: true });
  try {
    const client = createClient({ url: stack.url, operatorToken: stack.operatorToken });
    await client.send({ data: encodeRaise(40) }, user);
    const last = await client.send({ data: encodeRaise(2) }, user);
    const replica = await client.replica(counter);
    await replica.reached(last.offset);
    expect(totalIn(replica.state.snapshot())).toBe(42n);
    expect((await last.settled).state).toBe("settled");
    const verify = ["verify", stack.url, "--rpc-url", stack.rpcUrl, "--token", stack.operatorToken];
    const { exitCode, stdout } = await runCommand(verify, { application: counter });
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("agree")]);
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true });
  }
});
