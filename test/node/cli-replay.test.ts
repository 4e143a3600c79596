/** The fold over a real L1: from genesis, from a trusted state, and when the endpoint errs. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { loadCurve } from "../../src/cli/curve.ts";
import { type Replayed, type ReplayOptions, replay } from "../../src/cli/replay.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { type BlockNumber, batchNonce, blockNumber } from "../../src/core/types/units.ts";
import type { RpcRequest } from "../support/faulty-rpc.ts";
import { genesisOf, startWalletChain, type WalletChain } from "../support/wallet-chain.ts";

let chain: WalletChain;
/** The block of each batch of the chain's story. */
let at: { readonly first: BlockNumber; readonly second: BlockNumber; readonly empty: BlockNumber };

beforeAll(async () => {
  chain = await startWalletChain();
  const deposited = await chain.deposit(chain.user.address, 1_000n);
  await chain.mine(3);
  const first = await chain.batch(0n, [chain.frame(deposited, 2)]);
  const clock = await chain.head();
  // Waits for a frame whose clock has come this far.
  await chain.deposit(chain.other, 50n);
  const second = await chain.batch(1n, [chain.frame(clock, 1)]);
  await chain.batch(1n, [chain.frame(clock, 0)]);
  await chain.deposit(chain.other, 60n);
  const empty = await chain.batch(2n, []);
  await chain.mine(2);
  at = { first, second, empty };
});
beforeEach(() => chain.proxy.fail(() => null));
afterAll(() => chain.stop());

const { recover } = loadCurve();

async function run(options: Partial<ReplayOptions> & { readonly through: BlockNumber }) {
  const state = genesisOf(chain);
  return await replay(chain.l1, { target: chain.target, state, from: null, recover, ...options });
}

async function replayed(through: BlockNumber): Promise<Replayed> {
  const result = await run({ through });
  return result.ok ? result.value : expect.unreachable(result.error.reason);
}

describe("[S2] a replay", () => {
  test("ends at the end of its block: what came later is as if it were not there", async () => {
    const before = await replayed(blockNumber(at.first - 1));
    expect(before.outcomes).toMatchObject({ "batch-executed": 0, "direct-enqueued": 1 });
    expect(before.state.progress().executedInputCount).toBe(0);
    const first = await replayed(at.first);
    expect(first.outcomes).toMatchObject({ "batch-executed": 1, "direct-enqueued": 1 });
    expect(first.state.progress().executedInputCount).toBe(3);
    expect(first.inputCount).toBe(2);
    expect(first.end?.number).toBe(at.first);
    const whole = await replayed(at.empty);
    expect(whole.outcomes).toEqual({
      "batch-executed": 3,
      "batch-rejected": 1,
      "batch-skipped-stale": 0,
      "direct-enqueued": 3,
    });
    const { nextBatchNonce, fridge } = whole.scheduler.checkpoint();
    expect([nextBatchNonce, fridge.length]).toEqual([3, 2]);
    expect(whole.state.progress().executedInputCount).toBe(4);
  });

  test("of a block before InputBox reads nothing and has the genesis state", async () => {
    const result = await replayed(blockNumber(0));
    expect([result.end, result.inputCount]).toEqual([null, 0]);
    expect(result.state.snapshot()).toEqual(genesisOf(chain).snapshot());
    expect(chain.proxy.requests).toEqual([]);
  });

  test("of a block that is not safe yet is behind", async () => {
    const result = await run({ through: blockNumber((await chain.head()) + 5) });
    expect(result).toEqual({ ok: false, error: { reason: "behind", code: null } });
  });
});

describe("[R5] from a trusted state", () => {
  async function resumed(block: BlockNumber, nonce: number) {
    const bytes = (await replayed(block)).state.snapshot();
    const state = walletApplication.restore(chain.config, bytes);
    if (!state.ok) return expect.unreachable(state.error);
    const from = { block, nextBatchNonce: batchNonce(nonce) };
    return await run({ state: state.value, from, through: at.empty });
  }

  test.each([
    ["the first batch", () => at.first, 1],
    ["the second batch, with a direct input waiting", () => at.second, 2],
  ])("of %s it comes to the same end", async (_what, block, nonce) => {
    const whole = await replayed(at.empty);
    const result = await resumed(block(), nonce);
    if (!result.ok) return expect.unreachable(result.error.reason);
    expect(toHex(result.value.state.snapshot())).toBe(toHex(whole.state.snapshot()));
    expect(result.value.scheduler.checkpoint()).toMatchObject({
      nextBatchNonce: 3,
      fridge: whole.scheduler.checkpoint().fridge.map(({ sender, blockNumber, payload }) => ({
        ...{ sender, blockNumber, payload },
      })),
    });
    expect(result.value.inputCount).toBe(whole.inputCount);
  });

  test.each([
    ["too low", () => at.second, 1],
    ["too high", () => at.second, 3],
    ["of a block without a batch", () => blockNumber(at.second - 1), 1],
  ])(
    "a nonce %s is refused: the block does not hold the batch before it",
    async (_what, block, nonce) => {
      expect(await resumed(block(), nonce)).toEqual({
        ok: false,
        error: { reason: "no-such-batch", code: null },
      });
    },
  );
});

describe("[L1] an endpoint", () => {
  const once = (fault: Parameters<typeof chain.proxy.fail>[0]) => {
    let isSpent = false;
    return (request: RpcRequest) => {
      const chosen = isSpent ? null : fault(request);
      isSpent ||= chosen !== null;
      return chosen;
    };
  };

  test("that errs once is asked again, and the result is the same", async () => {
    const whole = await replayed(at.empty);
    chain.proxy.fail(
      once(({ method }) => (method === "eth_getLogs" ? { kind: "disconnect" } : null)),
    );
    const again = await replayed(at.empty);
    expect(toHex(again.state.snapshot())).toBe(toHex(whole.state.snapshot()));
    // One slice ends at the block that is asked for, one at the safe head, and one was read again.
    expect(chain.proxy.requests.filter(({ method }) => method === "eth_getLogs")).toHaveLength(3);
  });

  test("that leaves an input out is not believed", async () => {
    chain.proxy.fail(({ method }) =>
      method === "eth_getLogs"
        ? { kind: "edit", edit: (logs) => (logs as readonly unknown[]).slice(0, -1) }
        : null,
    );
    const result = await run({ through: at.first });
    expect(result).toEqual({ ok: false, error: { reason: "incomplete", code: null } });
  });
});
