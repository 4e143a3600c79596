/** What others than the sequencer send to the application on L1: deposits, and bytes that mean nothing. */

import type { WalletConfig } from "../../src/apps/wallet/wallet.ts";
import { type Address, address, fromHex } from "../../src/core/types/hex.ts";
import { users } from "./clients.ts";
import type { L1World } from "./l1-world.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

const STRANGER = address(`0x${"d1".repeat(20)}`);
const RICH = 10n ** 15n;

export class Deposits {
  readonly #l1: L1World;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #config: WalletConfig;

  constructor(l1: L1World, timeline: Timeline, random: Random, config: WalletConfig) {
    this.#l1 = l1;
    this.#timeline = timeline;
    this.#random = random;
    this.#config = config;
  }

  /** Every user can pay for many ops as soon as the first blocks are safe; more comes for ever. */
  start(meanMs: number): void {
    for (const user of users) this.#deposit(user, RICH);
    const next = (): void => {
      this.#timeline.after(this.#random.waitMs(meanMs), () => {
        this.#sendOne();
        next();
      });
    };
    next();
  }

  #sendOne(): void {
    const { erc20Portal } = this.#config;
    const kind = this.#random.below(4);
    if (kind < 2) {
      this.#deposit(this.#random.pick(users), BigInt(this.#random.between(1, 1_000_000)));
      return;
    }
    const payload = this.#random.bytes(this.#random.below(200));
    this.#l1.send({ sender: kind === 2 ? erc20Portal : STRANGER, payload });
  }

  /** What the portal tells the application. */
  #deposit(account: Address, amount: bigint): void {
    const { erc20Portal, token } = this.#config;
    const value = amount.toString(16).padStart(64, "0");
    this.#l1.send({ sender: erc20Portal, payload: fromHex(`${token}${account.slice(2)}${value}`) });
  }
}
