/** The wallet's state bytes and its configuration: pinned, strict, and the same after a round trip. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeTransfer } from "../../src/apps/wallet/method.ts";
import { encodeSnapshot } from "../../src/apps/wallet/snapshot.ts";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import { address, fromHex, toHex } from "../../src/core/types/hex.ts";
import { blockNumber, U32_MAX } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";
import {
  ALICE,
  BOB,
  CONFIG,
  DEPOSIT,
  direct,
  PORTAL,
  restored,
  run,
  walletBytes,
} from "../support/wallet.ts";
import vectors from "../vectors/wallet.json" with { type: "json" };

const UINT256_MAX = 2n ** 256n - 1n;
const restore = (bytes: Uint8Array) => walletApplication.restore(CONFIG, bytes);
const configOf = (config: (typeof vectors.snapshots)[number]["config"]) => ({
  erc20Portal: address(config.erc20PortalAddress),
  token: address(config.supportedErc20Token),
  feeRecipient: address(config.feeRecipient),
});

describe("snapshots", () => {
  test.each(vectors.snapshots)("the pinned state of $executedInputCount inputs", (vector) => {
    const config = configOf(vector.config);
    const bytes = encodeSnapshot(config, {
      balances: new Map(vector.balances.map(([who, has]) => [address(`${who}`), BigInt(has ?? 0)])),
      nonces: new Map(vector.nonces.map(([who, next]) => [address(`${who}`), Number(next)])),
      progress: {
        executedInputCount: vector.executedInputCount,
        lastExecutedSafeBlock: blockNumber(vector.lastExecutedSafeBlock),
      },
    });
    expect(toHex(bytes)).toBe(vector.bytes);
    const state = walletApplication.restore(config, fromHex(vector.bytes));
    expect(state.ok && toHex(state.value.snapshot())).toBe(vector.bytes);
  });

  test("genesis is the pinned empty state", () => {
    const [empty] = vectors.snapshots;
    const config = configOf(empty?.config ?? expect.fail("the vectors hold the empty state"));
    expect(toHex(walletApplication.genesis(config).snapshot())).toBe(empty?.bytes);
  });

  test("two orders of the same inputs between strangers are one state", () => {
    const senders = [ALICE, BOB];
    const states = [senders, senders.toReversed()].map((order) => {
      const state = restored({
        balances: [
          [ALICE, 10n],
          [BOB, 10n],
        ],
      });
      for (const sender of order) run(state, sender, encodeTransfer(1n, PORTAL));
      return toHex(state.snapshot());
    });
    expect(states[0]).toBe(states[1]);
  });

  test("an instance and the bytes it came from are independent", () => {
    const bytes = walletBytes({ balances: [[ALICE, 10n]] });
    const before = toHex(bytes);
    const state = restore(bytes);
    const other = restore(bytes);
    if (!state.ok || !other.ok) return expect.fail("the bytes are a snapshot");
    run(state.value, ALICE, encodeTransfer(1n, BOB));
    expect(toHex(bytes)).toBe(before);
    expect(toHex(other.value.snapshot())).toBe(before);
    expect(toHex(state.value.snapshot())).not.toBe(before);
  });

  test("every state survives its bytes, and the encoder agrees with a plain second one", () => {
    const account = fc
      .uint8Array({ minLength: 20, maxLength: 20 })
      .map((bytes) => address(toHex(bytes)));
    const list = <T>(value: fc.Arbitrary<T>) =>
      fc
        .uniqueArray(fc.tuple(account, value), { selector: ([who]) => who, maxLength: 8 })
        .map((entries) => entries.toSorted(([a], [b]) => (BigInt(a) < BigInt(b) ? -1 : 1)));
    const fields = fc.record({
      balances: list(fc.bigInt({ min: 0n, max: UINT256_MAX })),
      nonces: list(fc.integer({ min: 0, max: U32_MAX })),
      count: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      clock: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(fields, (state) => {
        expect(toHex(restored(state).snapshot())).toBe(toHex(walletBytes(state)));
      }),
      { numRuns: size(100, 5000) },
    );
  });

  test("entries are written in the order of their bytes, whenever they came", () => {
    const low = address(`0x${"00".repeat(19)}09`);
    const high = address(`0x${"0a".repeat(20)}`);
    const contents = {
      balances: new Map([
        [high, 1n],
        [low, 2n],
      ]),
      nonces: new Map([
        [high, 1],
        [low, 2],
      ]),
      progress: { executedInputCount: 1, lastExecutedSafeBlock: blockNumber(0) },
    };
    const sorted = {
      balances: [
        [low, 2n],
        [high, 1n],
      ],
      nonces: [
        [low, 2],
        [high, 1],
      ],
    } as const;
    expect(toHex(encodeSnapshot(CONFIG, contents))).toBe(toHex(walletBytes(sorted)));
  });

  test.each([UINT256_MAX + 1n, -1n])("a balance of %s is never cut to fit", (balance) => {
    const contents = {
      balances: new Map([[ALICE, balance]]),
      nonces: new Map(),
      progress: { executedInputCount: 1, lastExecutedSafeBlock: blockNumber(0) },
    };
    expect(() => encodeSnapshot(CONFIG, contents)).toThrow(InvariantError);
  });
});

describe("bytes that are no snapshot", () => {
  const one = walletBytes({ balances: [[ALICE, 10n]], nonces: [[ALICE, 1]] });
  const withU32 = (at: number, value: number): Uint8Array => {
    const bytes = one.slice();
    new DataView(bytes.buffer).setUint32(at, value, true);
    return bytes;
  };
  const withU64 = (at: number, value: bigint): Uint8Array => {
    const bytes = one.slice();
    new DataView(bytes.buffer).setBigUint64(at, value, true);
    return bytes;
  };

  test.each([
    { what: "no bytes", bytes: new Uint8Array(), error: "shorter than the fixed part" },
    { what: "83 bytes", bytes: one.subarray(0, 83), error: "shorter than the fixed part" },
    { what: "a byte short", bytes: one.subarray(0, one.length - 1), error: "bad nonces length" },
    { what: "a byte long", bytes: Uint8Array.of(...one, 0), error: "bad nonces length" },
    { what: "balances before the end", bytes: withU32(60, 83), error: "bad balances offset" },
    { what: "balances after the end", bytes: withU32(60, 85), error: "bad balances offset" },
    { what: "nonces in the fixed part", bytes: withU32(64, 83), error: "bad nonces offset" },
    { what: "nonces beyond", bytes: withU32(64, one.length + 1), error: "bad nonces offset" },
    { what: "nonces inside a balance", bytes: withU32(64, 135), error: "bad balances length" },
    { what: "a count of 2^53", bytes: withU64(68, 2n ** 53n), error: "bad progress" },
    { what: "a clock of 2^64 - 1", bytes: withU64(76, 2n ** 64n - 1n), error: "bad progress" },
    {
      what: "a clock without inputs",
      bytes: walletBytes({ count: 0, clock: 1 }),
      error: "a clock without inputs",
    },
    {
      what: "an account twice in the balances",
      bytes: walletBytes({
        balances: [
          [ALICE, 1n],
          [ALICE, 1n],
        ],
      }),
      error: "accounts do not ascend",
    },
    {
      what: "an account twice in the nonces",
      bytes: walletBytes({
        nonces: [
          [ALICE, 1],
          [ALICE, 2],
        ],
      }),
      error: "accounts do not ascend",
    },
    {
      what: "balances out of order",
      bytes: walletBytes({
        balances: [
          [BOB, 1n],
          [ALICE, 1n],
        ],
      }),
      error: "accounts do not ascend",
    },
    {
      what: "nonces out of order",
      bytes: walletBytes({
        nonces: [
          [BOB, 1],
          [ALICE, 1],
        ],
      }),
      error: "accounts do not ascend",
    },
    {
      what: "another configuration",
      bytes: walletBytes({}, { ...CONFIG, feeRecipient: ALICE }),
      error: "other configuration",
    },
  ])("$what: $error", ({ bytes, error }) => {
    expect(restore(bytes)).toEqual({ ok: false, error });
  });

  test.each([
    { what: "the unspoilt bytes", bytes: one },
    { what: "nothing executed", bytes: walletBytes({ count: 0, clock: 0 }) },
    { what: "the greatest count", bytes: withU64(68, 2n ** 53n - 1n) },
    {
      what: "accounts in order",
      bytes: walletBytes({
        balances: [
          [ALICE, 1n],
          [BOB, 1n],
        ],
      }),
    },
    { what: "a view into a larger buffer", bytes: Uint8Array.of(7, ...one).subarray(1) },
  ])("$what: taken, and written back as they were", ({ bytes }) => {
    const state = restore(bytes);
    expect(state.ok && toHex(state.value.snapshot())).toBe(toHex(bytes));
  });
});

describe("configuration", () => {
  const submitter = address(`0x${"5b".repeat(20)}`);
  const parse = (vars: Record<string, unknown>) =>
    walletApplication.parseConfig(vars, { submitter });

  test("defaults are the development chain's, and the submitter keeps the fees", () => {
    expect(parse({ SEQ_FEE_RECIPIENT: "  " })).toEqual({
      ok: true,
      value: {
        erc20Portal: "0xaca6586a0cf05bd831f2501e7b4aea550da6562d",
        token: "0x95d0c8a7d11342299807a2fc19ac44c2321ccc68",
        feeRecipient: submitter,
      },
    });
  });

  test("each variable is read and trimmed", () => {
    const vars = {
      SEQ_ERC20_PORTAL_ADDRESS: ` ${PORTAL} `,
      SEQ_ERC20_TOKEN_ADDRESS: ALICE.toUpperCase().replace("0X", "0x"),
      SEQ_FEE_RECIPIENT: BOB,
    };
    const value = { erc20Portal: PORTAL, token: ALICE, feeRecipient: BOB };
    expect(parse(vars)).toEqual({ ok: true, value });
  });

  test("every problem is reported at once and no value is repeated", () => {
    const variables = ["SEQ_ERC20_PORTAL_ADDRESS", "SEQ_ERC20_TOKEN_ADDRESS", "SEQ_FEE_RECIPIENT"];
    const parsed = parse(Object.fromEntries(variables.map((name) => [name, "0xsecret"])));
    const problem = "must be 0x and 40 hex digits";
    expect(parsed).toEqual({
      ok: false,
      error: variables.map((variable) => ({ variable, problem })),
    });
  });

  test("is described with checksums", () => {
    const defaults = parse({ SEQ_FEE_RECIPIENT: "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266" });
    expect(defaults.ok && walletApplication.describeConfig(defaults.value)).toEqual({
      erc20_portal: "0xACA6586A0Cf05bD831f2501E7B4aea550dA6562D",
      erc20_token: "0x95d0c8A7d11342299807A2Fc19ac44C2321cCc68",
      fee_recipient: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    });
  });
});

test("a deposit, a transfer and their bytes go on the same from a snapshot", () => {
  const live = walletApplication.genesis(CONFIG);
  live.applyDirectInput(direct(PORTAL, DEPOSIT, 3));
  const resumed = restore(live.snapshot());
  if (!resumed.ok) return expect.fail(resumed.error);
  for (const state of [live, resumed.value]) run(state, ALICE, encodeTransfer(2n, BOB));
  expect(toHex(resumed.value.snapshot())).toBe(toHex(live.snapshot()));
});
