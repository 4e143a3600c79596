/** A wallet's life as events of the log, with the state that it leads to: what an honest leader writes. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeTransfer } from "../../../src/apps/wallet/method.ts";
import { type WalletConfig, walletApplication } from "../../../src/apps/wallet/wallet.ts";
import type { ApplicationState } from "../../../src/core/application/application.ts";
import { executeDirectInput, executeUserOp } from "../../../src/core/application/execute.ts";
import type { ChunkEvent } from "../../../src/core/chunk/event.ts";
import { must } from "../../../src/core/types/assert.ts";
import { fromHex, hash32, hashFromBytes } from "../../../src/core/types/hex.ts";
import { batchNonce, blockNumber, feeExponent, offset } from "../../../src/core/types/units.ts";
import { domainSeparator, userOpDigest } from "../../../src/core/wire/user-op.ts";
import { addressOfPrivateKey } from "../../../src/crypto/key.ts";
import { APP, CHAIN_ID } from "../../support/committee.ts";
import { SUBMITTER_KEY } from "../../support/variables.ts";
import { BOB, depositPayload, PORTAL, TOKEN } from "../../support/wallet.ts";

const USER_KEY = `0x${"77".repeat(32)}`;
const USER = must(addressOfPrivateKey(USER_KEY), "a key has an address");
const CONFIG: WalletConfig = {
  ...{ erc20Portal: PORTAL, token: TOKEN },
  feeRecipient: must(addressOfPrivateKey(SUBMITTER_KEY), "a key has an address"),
};
const SEPARATOR = domainSeparator({ chainId: CHAIN_ID, verifyingContract: APP });
const HASH = hash32(`0x${"ab".repeat(32)}`);

export const WALLET_VARIABLES: Readonly<Record<string, string>> = {
  SEQ_ERC20_PORTAL_ADDRESS: PORTAL,
  SEQ_ERC20_TOKEN_ADDRESS: TOKEN,
};

export type Op = ChunkEvent & { readonly kind: "op" };
export type Seal = ChunkEvent & { readonly kind: "seal" };

export class WalletLog {
  state: ApplicationState = walletApplication.genesis(CONFIG);
  #offset = 1;
  #batch = 0;
  #frame = 0;
  #inputs = 0;
  #fee = feeExponent(0);
  #safeBlock = blockNumber(1);

  frame(fee = 0): ChunkEvent {
    this.#fee = feeExponent(fee);
    this.#frame += 1;
    return {
      kind: "frame",
      ...{ batchNonce: batchNonce(this.#batch), frame: this.#frame },
      ...{ safeBlock: this.#safeBlock, fee: this.#fee },
    };
  }

  deposit(units: bigint): ChunkEvent {
    const payload = depositPayload(TOKEN, USER, units);
    executeDirectInput(this.state, { sender: PORTAL, blockNumber: this.#safeBlock, payload });
    return {
      kind: "direct",
      ...{ offset: this.#next(), batchNonce: batchNonce(this.#batch), frame: this.#frame },
      ...{
        inputIndex: this.#inputs++,
        blockNumber: this.#safeBlock,
        blockTimestamp: 1_700_000_000,
      },
      ...{ transactionHash: HASH, sender: PORTAL, payload },
    };
  }

  /** A transfer of one unit, signed by the user. */
  transfer(nonce: number = this.state.nextNonce(USER)): Op {
    const data = encodeTransfer(1n, BOB);
    const maxFee = feeExponent(100);
    executeUserOp(this.state, { sender: USER, fee: this.#fee, data }, this.#safeBlock);
    return {
      kind: "op",
      ...{ offset: this.#next(), batchNonce: batchNonce(this.#batch), frame: this.#frame },
      ...{ fee: this.#fee, safeBlock: this.#safeBlock, sender: USER, nonce, maxFee, data },
      signature: signatureOf(userOpDigest(SEPARATOR, { nonce, maxFee, data })),
    };
  }

  seal(): Seal {
    const seal: Seal = {
      ...{ kind: "seal", batchNonce: batchNonce(this.#batch), payloadHash: HASH },
      stateHash: hashFromBytes(sha256(this.state.snapshot())),
      executedInputs: this.state.progress().executedInputCount,
    };
    this.#batch += 1;
    this.#frame = -1;
    return seal;
  }

  /** Goes back to `state`, which stood at `keepThrough`. */
  rollBack(keepThrough: number, state: Uint8Array): ChunkEvent {
    const restored = walletApplication.restore(CONFIG, state);
    if (!restored.ok) throw new Error("a state restores");
    this.state = restored.value;
    return {
      kind: "rollback",
      ...{ offset: this.#next(), keepThrough: offset(keepThrough), generation: 1 },
      pivotBatchNonce: batchNonce(0),
    };
  }

  #next() {
    return offset(this.#offset++);
  }
}

function signatureOf(digest: Uint8Array): Uint8Array {
  const recovered = secp256k1.sign(digest, fromHex(USER_KEY), {
    ...{ prehash: false, format: "recovered" },
  });
  return Uint8Array.of(...recovered.subarray(1), 27 + (recovered[0] ?? 0));
}
