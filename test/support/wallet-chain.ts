/**
 * A real chain with a wallet's life on it, written without a sequencer: deposits, and batches that the
 * submitter's account sends straight to InputBox. A test spoils what is read of it through a proxy.
 */

import { expect } from "vitest";
import { keyFromHex, MAX_FEE, type Sender, senderOf } from "../../bench/ops.ts";
import { encodeTransfer } from "../../src/apps/wallet/method.ts";
import { type WalletConfig, walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { ReplayTarget } from "../../src/cli/replay.ts";
import { type Address, fromHex, parseAddress } from "../../src/core/types/hex.ts";
import { type BlockNumber, blockNumber } from "../../src/core/types/units.ts";
import { encodeBatch, type Frame, type WireUserOp } from "../../src/core/wire/batch.ts";
import { domainSeparator } from "../../src/core/wire/user-op.ts";
import { connectL1 } from "../../src/l1/client.ts";
import { encodeAddInput } from "../../src/l1/contracts.ts";
import type { L1 } from "../../src/l1/l1.ts";
import { signOp } from "../../src/local/sign-op.ts";
import { startDevnet, USER_KEY } from "./anvil.ts";
import { type FaultyRpc, startFaultyRpc } from "./faulty-rpc.ts";
import { depositPayload, TOKEN } from "./wallet.ts";

export type WalletChain = {
  readonly proxy: FaultyRpc;
  readonly rpcUrl: string;
  readonly l1: L1;
  readonly target: ReplayTarget;
  readonly config: WalletConfig;
  /** The user who owns something. */
  readonly user: Sender;
  readonly other: Address;
  /** Answer the block of the input. */
  deposit(account: Address, units: bigint): Promise<BlockNumber>;
  batch(nonce: bigint, frames: readonly Frame[]): Promise<BlockNumber>;
  /** A frame with so many transfers of the user. */
  frame(safeBlock: BlockNumber, transfers?: number): Frame;
  mine(blocks: number): Promise<void>;
  head(): Promise<BlockNumber>;
  stop(): Promise<void>;
};

/** The safe block trails by one. */
export async function startWalletChain(): Promise<WalletChain> {
  const devnet = await startDevnet();
  const proxy = await startFaultyRpc(devnet.url);
  const { inputBox, inputBoxBlock, app, chainId } = devnet.rollups;
  const [, submitter, , portal, other] = await accountsOf(devnet);
  if (submitter === undefined || portal === undefined || other === undefined) {
    return expect.unreachable("anvil funds ten accounts");
  }
  const user = senderOf(keyFromHex(USER_KEY));
  const separator = domainSeparator({ chainId, verifyingContract: app });
  const head = async () => blockNumber(Number(await devnet.rpc("eth_blockNumber")));
  const addInput = async (from: Address, payload: Uint8Array) => {
    const data = encodeAddInput(app, payload);
    await devnet.rpc("eth_sendTransaction", [{ from, to: inputBox, data, gas: "0x989680" }]);
    return await head();
  };
  const transfer = (): WireUserOp => {
    const data = encodeTransfer(3n, other);
    return wireOp(signOp(separator, user, { data, maxFee: MAX_FEE, nonce: user.nonce++ }));
  };
  return {
    proxy,
    rpcUrl: proxy.url,
    l1: connectL1({ url: proxy.url, timeoutMs: 5_000, longRangeCodes: [-32005] }),
    target: { inputBox, inputBoxBlock, app, chainId, submitter },
    config: { erc20Portal: portal, token: TOKEN, feeRecipient: submitter },
    user,
    other,
    deposit: (account, units) => addInput(portal, depositPayload(TOKEN, account, units)),
    batch: (nonce, frames) => addInput(submitter, encodeBatch({ nonce, frames })),
    frame: (safeBlock, transfers = 0) => ({
      userOps: Array.from({ length: transfers }, transfer),
      safeBlock: BigInt(safeBlock),
      feePrice: 0,
    }),
    mine: (blocks) => devnet.mine(blocks),
    head,
    stop: async () => {
      await proxy.stop();
      await devnet.stop();
    },
  };
}

export const genesisOf = (chain: WalletChain) => walletApplication.genesis(chain.config);

async function accountsOf(devnet: { rpc(method: string): Promise<unknown> }) {
  const listed = (await devnet.rpc("eth_accounts")) as readonly string[];
  return listed.map((one) => parseAddress(one) ?? expect.unreachable("an account is an address"));
}

/** The op of a request's body, as it travels in a batch. */
function wireOp(body: string): WireUserOp {
  const { message, signature } = JSON.parse(body) as {
    readonly message: { nonce: number; max_fee: number; data: string };
    readonly signature: string;
  };
  return {
    nonce: message.nonce,
    maxFee: message.max_fee,
    data: fromHex(message.data),
    signature: fromHex(signature),
  };
}
