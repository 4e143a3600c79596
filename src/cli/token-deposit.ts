/**
 * What a deposit sends to L1: an allowance for the portal, and the deposit itself.
 *
 * viem asks the endpoints in their order and signs. Its messages hold URLs, so what it throws leaves this
 * file as a reason without text.
 */

import {
  createPublicClient,
  createWalletClient,
  defineChain,
  fallback,
  type Hex,
  http,
  type PrivateKeyAccount,
  parseAbi,
} from "viem";
import type { Address } from "../core/types/hex.ts";
import { transportError } from "../l1/errors.ts";
import { describeL1Error } from "./connect.ts";
import { CommandFailure } from "./io.ts";

export type Deposit = {
  readonly chainId: number;
  readonly app: Address;
  readonly portal: Address;
  readonly token: Address;
  readonly units: bigint;
  /** First mints what is deposited: a development chain's token lets everybody. */
  readonly mints: boolean;
  /** Told what is waited for. */
  readonly onStep: (step: string) => void;
};

export type Deposited = { readonly transactionHash: Hex; readonly blockNumber: number };

const RPC_TIMEOUT_MS = 30_000;
const MINED_LIMIT_MS = 600_000;
const POLL_MS = 500;

const abi = parseAbi([
  "function mint(address to, uint256 value)",
  "function balanceOf(address owner) view returns (uint256)",
  "function allowance(address owner, address spender) view returns (uint256)",
  "function approve(address spender, uint256 value) returns (bool)",
  "function depositERC20Tokens(address token, address appContract, uint256 value, bytes execLayerData)",
]);

/** Resolves when the deposit is mined. Throws `CommandFailure`. */
export async function depositTokens(
  urls: readonly string[],
  account: PrivateKeyAccount,
  deposit: Deposit,
): Promise<Deposited> {
  try {
    return await send(urls, account, deposit);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(describeL1Error(transportError(error)));
  }
}

async function send(
  urls: readonly string[],
  account: PrivateKeyAccount,
  deposit: Deposit,
): Promise<Deposited> {
  const { chainId, app, portal, token, units, mints, onStep } = deposit;
  const options = { timeout: RPC_TIMEOUT_MS, fetchOptions: { redirect: "manual" } } as const;
  const transport = fallback(urls.map((url) => http(url, options)));
  const chain = defineChain({
    id: chainId,
    name: "L1",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [] } },
  });
  const reader = createPublicClient({ chain, transport, pollingInterval: POLL_MS });
  const writer = createWalletClient({ account, chain, transport });
  const found = await reader.getChainId();
  if (found !== chainId) throw new CommandFailure(`L1 is chain ${found}, not ${chainId}`);
  const mined = async (what: string, hash: Hex): Promise<number> => {
    onStep(`${what} waits for a block`);
    const receipt = await reader.waitForTransactionReceipt({ hash, timeout: MINED_LIMIT_MS });
    if (receipt.status !== "success") throw new CommandFailure(`${what} was reverted: ${hash}`);
    return Number(receipt.blockNumber);
  };
  const owner = account.address;
  if (mints) {
    const args = [owner, units] as const;
    const hash = await writer.writeContract({ abi, address: token, functionName: "mint", args });
    await mined("the mint", hash);
  }
  const asked = { abi, address: token } as const;
  const balance = await reader.readContract({ ...asked, functionName: "balanceOf", args: [owner] });
  if (balance < units) throw new CommandFailure(`the account has ${balance} units on L1, no more`);
  const args = [owner, portal] as const;
  const allowed = await reader.readContract({ ...asked, functionName: "allowance", args });
  if (allowed < units) {
    const approve = [portal, units] as const;
    const hash = await writer.writeContract({ ...asked, functionName: "approve", args: approve });
    await mined("the allowance", hash);
  }
  const hash = await writer.writeContract({
    ...{ abi, address: portal, functionName: "depositERC20Tokens" },
    args: [token, app, units, "0x"],
  });
  return { transactionHash: hash, blockNumber: await mined("the deposit", hash) };
}
