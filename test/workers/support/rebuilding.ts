/** What `baton rebuild` does to an object, with the parts at hand here: a state, its manifest, its upload. */

import { sha256 } from "@noble/hashes/sha2.js";
import { expect } from "vitest";
import { encodeSnapshot, type WalletContents } from "../../../src/apps/wallet/snapshot.ts";
import { type WalletConfig, walletApplication } from "../../../src/apps/wallet/wallet.ts";
import { PART_BYTES, type RebuildManifest } from "../../../src/core/api/rebuild.ts";
import type { Rejection } from "../../../src/core/api/rejection.ts";
import type { RebuildProgress } from "../../../src/core/api/sequencer-api.ts";
import type { Config } from "../../../src/core/config/config.ts";
import { createScheduler } from "../../../src/core/scheduler/scheduler.ts";
import { type Address, hash32, hashFromBytes } from "../../../src/core/types/hex.ts";
import type { Result } from "../../../src/core/types/result.ts";
import { batchNonce, blockNumber } from "../../../src/core/types/units.ts";
import { putPart, startUpload } from "../../../src/durable-objects/sequencer/rebuild.ts";
import { recoverAddress } from "../../../src/worker/curve.ts";
import type { Chain } from "./chain.ts";
import { user } from "./history.ts";
import { connect } from "./l1-rig.ts";
import type { Rig } from "./rig.ts";

export type Rebuilt = { readonly manifest: RebuildManifest; readonly state: Uint8Array };

const walletOf = ({ appConfig }: Config): WalletConfig => {
  const { erc20Portal, token, feeRecipient } = appConfig as WalletConfig;
  return { erc20Portal, token, feeRecipient };
};

/** A made-up state of so many accounts at block 100, before batch 7. */
export function inventedState(config: Config, accounts = 2): Rebuilt {
  const owned = Array.from({ length: accounts }, (_, i): [Address, bigint] => [
    user(i),
    10n ** 15n,
  ]);
  const contents: WalletContents = {
    balances: new Map(owned),
    nonces: new Map([[user(0), 4]]),
    progress: { executedInputCount: 9, lastExecutedSafeBlock: blockNumber(99) },
  };
  const state = encodeSnapshot(walletOf(config), contents);
  return { state, manifest: manifestOf(config, state, {}) };
}

export function manifestOf(
  config: Config,
  state: Uint8Array,
  fields: Partial<RebuildManifest>,
): RebuildManifest {
  const { chainId, app, submitter } = config;
  return {
    ...{ chainId, app, submitter },
    baseBlock: blockNumber(100),
    baseBlockHash: hash32(`0x${"c0".repeat(32)}`),
    baseInputCount: 12,
    anchorNonce: batchNonce(7),
    executedInputCount: 9,
    stateBytes: state.length,
    sha256: hashFromBytes(sha256(state)),
    ...fields,
  };
}

/** What L1 makes of its inputs up to the end of `block`. */
export async function foldOf(rig: Rig, chain: Chain, block: number): Promise<Rebuilt> {
  const { inputBox, inputBoxBlock, app, chainId } = chain.rollups;
  const through = blockNumber(block);
  const l1 = connect(chain);
  const read = await l1.inputs({ inputBox, app, from: inputBoxBlock, to: through, sender: null });
  const at = await l1.block(through);
  if (!read.ok || !at.ok) return expect.unreachable("L1 answers");
  const state = walletApplication.genesis(walletOf(rig.runtime.config));
  const sequencer = rig.runtime.config.submitter;
  const scheduler = createScheduler({ config: { sequencer }, state, recover: recoverAddress });
  for (const input of read.value.inputs) scheduler.process({ ...input, chainId, app });
  scheduler.drainThrough(through);
  const bytes = state.snapshot();
  const manifest = manifestOf(rig.runtime.config, bytes, {
    baseBlock: through,
    baseBlockHash: at.value.hash,
    baseInputCount: read.value.inputs.length,
    anchorNonce: scheduler.checkpoint().nextBatchNonce,
    executedInputCount: state.progress().executedInputCount,
  });
  return { manifest, state: bytes };
}

export function begin(rig: Rig, manifest: RebuildManifest): string {
  const started = startUpload(rig.runtime, manifest);
  return started.ok ? started.value.upload : expect.unreachable(started.error.message);
}

export function put(
  rig: Rig,
  part: { readonly upload: string; readonly part: number; readonly bytes: Uint8Array },
): Result<RebuildProgress, Rejection> {
  return putPart(rig.runtime, rig.lane, part, new Uint8Array(16).fill(9));
}

/** The whole upload; the answer to its last part. */
export function upload(rig: Rig, { manifest, state }: Rebuilt): Result<RebuildProgress, Rejection> {
  const name = begin(rig, manifest);
  const parts = Math.ceil(state.length / PART_BYTES);
  for (let part = 0; ; part++) {
    const bytes = state.slice(part * PART_BYTES, (part + 1) * PART_BYTES);
    const answer = put(rig, { upload: name, part, bytes });
    if (!answer.ok || part === parts - 1) return answer;
  }
}
