/**
 * What a test does to the way between a sequencer and L1: cut it, or make transactions disappear.
 *
 * A transaction that disappears is one that a private pool may still hold: the test has its bytes, and
 * no node knows it.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { type Hex, parseTransaction } from "viem";
import { fromHex, toHex } from "../../src/core/types/hex.ts";
import type { Fault, FaultyRpc, RpcRequest } from "./faulty-rpc.ts";

type Proxied = { readonly proxy: FaultyRpc };

/** Every request is as if L1 were switched off. */
export function cutL1({ proxy }: Proxied): void {
  proxy.fail(() => ({ kind: "disconnect" }));
}

export function restoreL1({ proxy }: Proxied): void {
  proxy.fail(() => null);
}

/** Its `raw` was handed to L1, which need not have seen it. */
export type Sent = {
  readonly raw: Hex;
  readonly hash: string;
  readonly walletNonce: number;
  /** Else it is a no-op of a flush. */
  readonly isBatch: boolean;
};

/** The submitter's transactions since the proxy was last told what to do, replacements among them. */
export function sentSince({ proxy }: Proxied): readonly Sent[] {
  return proxy.requests.filter(isSend).map(describeSend);
}

const isSend = ({ method }: RpcRequest) => method === "eth_sendRawTransaction";

function describeSend({ params }: RpcRequest): Sent {
  const raw = params[0] as Hex;
  const { data = "0x", nonce = 0 } = parseTransaction(raw);
  const hash = toHex(keccak_256(fromHex(raw)));
  return { raw, hash, walletNonce: nonce, isBatch: data !== "0x" };
}

/** A fault: the sequencer is told that these were taken, and no node ever sees them. */
export function swallow(
  isSwallowed: (sent: Sent) => boolean,
): (request: RpcRequest) => Fault | null {
  return (request) => {
    if (!isSend(request)) return null;
    const sent = describeSend(request);
    return isSwallowed(sent) ? { kind: "result", result: sent.hash } : null;
  };
}

export const swallowBatches = swallow(({ isBatch }) => isBatch);

export const swallowAll = swallow(() => true);
