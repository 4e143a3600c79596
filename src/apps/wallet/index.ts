/** `baton-sequencer/wallet`: the example application, for its clients: what they sign, and what a replica executes. */

// biome-ignore-all lint/performance/noBarrelFile: the one entry of a package.

export { encodeTransfer, encodeWithdrawal } from "./method.ts";
export { type WalletConfig, walletApplication } from "./wallet.ts";
