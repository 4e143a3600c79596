/** Our own contract: the test token, compiled from source and used on a real chain. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeFunctionData, parseAbi } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildContracts, type ContractArtifact } from "../../scripts/build-contracts.ts";
import { create2Address, deployClient, deployCreate2 } from "../../src/local/deploy.ts";
import { type Anvil, DEPLOYER_KEY, startAnvil } from "../support/anvil.ts";

const OWNER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const FRIEND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
const NOBODY = `0x${"00".repeat(20)}` as const;
const MAX = 2n ** 256n - 1n;

const abi = parseAbi([
  "function decimals() view returns (uint8)",
  "function balanceOf(address) view returns (uint256)",
  "function totalSupply() view returns (uint256)",
  "function allowance(address, address) view returns (uint256)",
  "function mint(address, uint256)",
  "function approve(address, uint256) returns (bool)",
  "function transfer(address, uint256) returns (bool)",
  "function transferFrom(address, address, uint256) returns (bool)",
]);

let folder: string;
let anvil: Anvil;
let token: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "baton-contracts-"));
  buildContracts(folder);
  anvil = await startAnvil();
  const client = deployClient(anvil.url, { chainId: anvil.chainId, deployerKey: DEPLOYER_KEY });
  await deployCreate2(client, [artifact().bytecode]);
  token = create2Address(artifact().bytecode);
});

afterAll(async () => {
  await anvil?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("[L3] compiles to the same bytes everywhere, so that its address is known", () => {
  expect(token).toBe("0x1aca31e61f4367f8aa50932a05101a647a770d2d");
  const before = readFileSync(join(folder, "test-token.json"), "utf8");
  buildContracts(folder);
  expect(readFileSync(join(folder, "test-token.json"), "utf8")).toBe(before);
});

test("anyone mints, and tokens move as an ERC-20's do", async () => {
  expect(await read("decimals", [])).toBe(6n);
  await write(FRIEND, "mint", [OWNER, 100n]);
  await write(OWNER, "transfer", [FRIEND, 30n]);
  await write(OWNER, "approve", [FRIEND, 50n]);
  await write(FRIEND, "transferFrom", [OWNER, FRIEND, 50n]);
  expect(await read("balanceOf", [OWNER])).toBe(20n);
  expect(await read("balanceOf", [FRIEND])).toBe(80n);
  expect(await read("totalSupply", [])).toBe(100n);
  expect(await read("allowance", [OWNER, FRIEND])).toBe(0n);
});

test("an unlimited allowance stays", async () => {
  await write(OWNER, "approve", [FRIEND, MAX]);
  await write(FRIEND, "transferFrom", [OWNER, FRIEND, 1n]);
  expect(await read("allowance", [OWNER, FRIEND])).toBe(MAX);
  await write(OWNER, "approve", [FRIEND, 0n]);
});

test("nothing moves that is not there, or not allowed, or to nobody", async () => {
  const balance = await read("balanceOf", [OWNER]);
  await expect(write(OWNER, "transfer", [FRIEND, balance + 1n])).rejects.toThrow(/revert/);
  await expect(write(FRIEND, "transferFrom", [OWNER, FRIEND, 1n])).rejects.toThrow(/revert/);
  await expect(write(OWNER, "transfer", [NOBODY, 1n])).rejects.toThrow(/revert/);
  await expect(write(OWNER, "mint", [NOBODY, 1n])).rejects.toThrow(/revert/);
  await expect(write(OWNER, "mint", [OWNER, MAX])).rejects.toThrow(/revert/);
  expect(await read("balanceOf", [OWNER])).toBe(balance);
});

function artifact(): ContractArtifact {
  return JSON.parse(readFileSync(join(folder, "test-token.json"), "utf8"));
}

type Name = (typeof abi)[number]["name"];

async function read(functionName: Name, args: readonly unknown[]): Promise<bigint> {
  const data = encode(functionName, args);
  return BigInt(String(await anvil.rpc("eth_call", [{ to: token, data }, "latest"])));
}

/** Mined at once; a revert is an error. */
async function write(from: string, functionName: Name, args: readonly unknown[]): Promise<void> {
  const data = encode(functionName, args);
  await anvil.rpc("eth_call", [{ from, to: token, data }, "latest"]);
  await anvil.rpc("eth_sendTransaction", [{ from, to: token, data }]);
}

function encode(functionName: Name, args: readonly unknown[]): string {
  return encodeFunctionData({ abi, functionName, args } as Parameters<
    typeof encodeFunctionData
  >[0]);
}
