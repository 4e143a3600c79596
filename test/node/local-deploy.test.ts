/** The development deployment: the real contracts at their known addresses, and nothing done twice. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectL1 } from "../../src/l1/client.ts";
import { deployRollups, type RollupsDeployment } from "../../src/local/deploy.ts";
import { type Anvil, DEPLOYER_KEY, startAnvil, USER_KEY } from "../support/anvil.ts";

let anvil: Anvil;
let deployed: RollupsDeployment;

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 1337 });
  deployed = await deployRollups(anvil.url, { chainId: 1337, deployerKey: DEPLOYER_KEY });
});
afterAll(() => anvil.stop());

describe("deployRollups", () => {
  test("[L3] contracts stand where their bytecode and salt 0 put them", () => {
    expect(deployed).toMatchObject({
      chainId: 1337,
      inputBox: "0x1b51e2992a2755ba4d6f7094032df91991a0cfac",
      etherPortal: "0xa632c5c05812c6a6149b7af5c56117d1d2603828",
      erc20Portal: "0xaca6586a0cf05bd831f2501e7b4aea550da6562d",
      authorityFactory: "0x5e96408cfe423b01daded3bc867e6013135990cc",
      applicationFactory: "0x26e758238cb6ec5ab70ce0dd52af2d7b82e1972e",
      selfHostedApplicationFactory: "0x010d3cbb4223f5bcc7b7b03cee59f3aaea8edb8a",
    });
  });

  test("[L3] the application's inputs come from that InputBox", async () => {
    const l1 = connectL1({ url: anvil.url, timeoutMs: 5000, longRangeCodes: [] });
    const { inputBox, inputBoxBlock, app } = deployed;
    expect(await l1.discover(app)).toEqual({ ok: true, value: { inputBox, inputBoxBlock } });
  });

  test("a second run finds everything and mines nothing", async () => {
    const head = await anvil.rpc("eth_blockNumber");
    const again = await deployRollups(anvil.url, { chainId: 1337, deployerKey: DEPLOYER_KEY });
    expect(again).toEqual(deployed);
    expect(await anvil.rpc("eth_blockNumber")).toBe(head);
  });

  test("another salt or another owner is another application on the same InputBox", async () => {
    const salted = { chainId: 1337, deployerKey: DEPLOYER_KEY, appSalt: 1 } as const;
    const second = await deployRollups(anvil.url, salted);
    const third = await deployRollups(anvil.url, { chainId: 1337, deployerKey: USER_KEY });
    expect(new Set([deployed.app, second.app, third.app]).size).toBe(3);
    expect([second.inputBox, third.inputBox]).toEqual([deployed.inputBox, deployed.inputBox]);
  });

  test("a chain that mines by the clock needs no more than its next blocks", async () => {
    const slow = await startAnvil({ args: ["--block-time", "1"] });
    const onSlow = await deployRollups(slow.url, { chainId: 31_337, deployerKey: DEPLOYER_KEY });
    expect(onSlow.app).toBe(deployed.app);
    expect(Number(await slow.rpc("eth_blockNumber"))).toBeLessThan(6);
    await slow.stop();
  });

  test("a chain without the CREATE2 deployer is refused before anything is sent", async () => {
    const bare = await startAnvil({ args: ["--disable-default-create2-deployer"] });
    const attempt = deployRollups(bare.url, { chainId: 31_337, deployerKey: DEPLOYER_KEY });
    await expect(attempt).rejects.toThrow("the chain has no CREATE2 deployer");
    expect(await bare.rpc("eth_blockNumber")).toBe("0x0");
    await bare.stop();
  });
});
