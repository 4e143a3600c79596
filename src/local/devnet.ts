/**
 * What a development chain holds before the sequencer first sees it: the contracts, the test token,
 * and 1,000,000 of it deposited through the real portal for each of the ten users.
 *
 * All of it happens on a chain that nobody else uses yet, and is saved as a whole before anything is
 * written down. A run that is interrupted earlier leaves nothing behind and begins again.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeFunctionData, type Hex, parseAbi } from "viem";
import type { ContractArtifact } from "../../scripts/build-contracts.ts";
import { type Address, address, hash32 } from "../core/types/hex.ts";
import { counter } from "../core/types/units.ts";
import { type DevAccount, USERS } from "./accounts.ts";
import { type Anvil, CHAIN_ID } from "./anvil.ts";
import { create2Address, deployClient, deployCreate2, deployRollups } from "./deploy.ts";
import { LocalFailure } from "./failure.ts";
import { quantity, type Rpc } from "./rpc.ts";

/** 1,000,000 of a token with six decimals. */
export const DEPOSIT_UNITS: bigint = 1_000_000_000_000n;

/** Where everything is, kept in the data directory beside the chain. */
export type Devnet = {
  readonly chainId: number;
  /** Tells one devnet from another: it depends on the moment of its start. */
  readonly genesisHash: string;
  /** Unix seconds. */
  readonly genesisTimeS: number;
  readonly inputBox: Address;
  readonly erc20Portal: Address;
  readonly app: Address;
  readonly token: Address;
};

const ARTIFACT = join(import.meta.dirname, "../../build/contracts/test-token.json");
const CALL_GAS = 500_000;

const abi = parseAbi([
  "function mint(address to, uint256 value)",
  "function approve(address spender, uint256 value) returns (bool)",
  "function depositERC20Tokens(address token, address appContract, uint256 value, bytes execLayerData)",
]);

/** Prepares a new chain; afterwards every deposit is at safe depth. */
export async function prepareDevnet(
  anvil: Anvil,
  accounts: readonly DevAccount[],
  slotsInEpoch: number,
): Promise<Devnet> {
  const { rpc, url } = anvil;
  const deployer = accounts[0];
  if (deployer === undefined) throw new Error("the first account deploys");
  // Mined at once, so that preparing takes a second and not a minute.
  await rpc("evm_setAutomine", [true]);
  const options = { chainId: CHAIN_ID, deployerKey: deployer.privateKey };
  const { inputBox, erc20Portal, app } = await deployRollups(url, options);
  const token = await deployToken(url, options);
  const users = accounts.slice(0, USERS);
  for (const user of users) await deposit(rpc, { app, erc20Portal, token, from: user.address });
  await rpc("evm_setAutomine", [false]);
  await anvil.mine(slotsInEpoch + 1);
  const { hash, timeS } = await genesisOf(rpc);
  return {
    ...{ chainId: CHAIN_ID, genesisHash: hash, genesisTimeS: timeS },
    ...{ inputBox, erc20Portal, app, token },
  };
}

export type DepositCall = {
  readonly app: Address;
  readonly erc20Portal: Address;
  readonly token: Address;
  /** One of anvil's own accounts: it signs for them. */
  readonly from: Address;
  readonly units?: bigint;
};

/** Mints and deposits. Answers the hash of the deposit, which is not mined yet where blocks take time. */
export async function deposit(rpc: Rpc, call: DepositCall): Promise<string> {
  const { app, erc20Portal, token, from, units = DEPOSIT_UNITS } = call;
  await send(
    rpc,
    from,
    token,
    encodeFunctionData({ abi, functionName: "mint", args: [from, units] }),
  );
  const approve = [erc20Portal, units] as const;
  await send(rpc, from, token, encodeFunctionData({ abi, functionName: "approve", args: approve }));
  const args = [token, app, units, "0x"] as const;
  const data = encodeFunctionData({ abi, functionName: "depositERC20Tokens", args });
  return await send(rpc, from, erc20Portal, data);
}

function send(rpc: Rpc, from: Address, to: Address, data: Hex): Promise<string> {
  return rpc<string>("eth_sendTransaction", [{ from, to, data, gas: quantity(CALL_GAS) }]);
}

async function deployToken(
  url: string,
  options: { readonly chainId: number; readonly deployerKey: Hex },
): Promise<Address> {
  const { bytecode }: ContractArtifact = JSON.parse(readFileSync(ARTIFACT, "utf8"));
  await deployCreate2(deployClient(url, options), [bytecode]);
  return create2Address(bytecode);
}

/** Block 0: its hash, and its time in Unix seconds. */
export async function genesisOf(rpc: Rpc): Promise<{ hash: string; timeS: number }> {
  const block = await rpc<{ hash: string; timestamp: string }>("eth_getBlockByNumber", [
    quantity(0),
    false,
  ]);
  return { hash: block.hash, timeS: Number(block.timestamp) };
}

export function formatDevnet(devnet: Devnet): string {
  return `${JSON.stringify(devnet, null, 2)}\n`;
}

/** Throws `LocalFailure` when the file is not what `formatDevnet` writes. */
export function parseDevnet(text: string): Devnet {
  try {
    const { chainId, genesisHash, genesisTimeS, ...contracts } = JSON.parse(text);
    const { inputBox, erc20Portal, app, token } = contracts;
    return {
      chainId: counter(chainId, "chain id"),
      genesisHash: hash32(genesisHash),
      genesisTimeS: counter(genesisTimeS, "genesis time"),
      inputBox: address(inputBox),
      erc20Portal: address(erc20Portal),
      app: address(app),
      token: address(token),
    };
  } catch {
    throw new LocalFailure("devnet.json is damaged: begin anew with npm start -- --fresh");
  }
}
