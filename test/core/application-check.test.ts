/** What `checkApplication` finds in applications that are wrong in one way each, and not in sound ones. */

import { describe, expect, test } from "vitest";
import { encodeTransfer, encodeWithdrawal } from "../../src/apps/wallet/method.ts";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { Application, ApplicationState } from "../../src/core/application/application.ts";
import { checkApplication } from "../../src/core/application/check.ts";
import type { Step } from "../../src/core/application/check-types.ts";
import { Journal } from "../../src/core/application/journal.ts";
import { STATE_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { err, ok } from "../../src/core/types/result.ts";
import { ALICE, BOB, CONFIG, depositPayload, direct, PORTAL, TOKEN } from "../support/wallet.ts";

const STEPS: readonly Step[] = [
  { sender: BOB, data: Uint8Array.of(3) },
  { sender: ALICE, data: Uint8Array.of(1, 2), fee: 5, safeBlock: 7 },
  direct(BOB, Uint8Array.of(9), 8),
  { sender: ALICE, data: Uint8Array.of() },
];

/** An application that keeps a journal and nothing else, and how a test spoils it. */
type Spoil = {
  readonly declared?: Partial<Application<object>>;
  readonly state?: (sound: ApplicationState, journal: Journal) => Partial<ApplicationState>;
};

function spoiled({ declared = {}, state = () => ({}) }: Spoil): Application<object> {
  const stateOf = (journal: Journal): ApplicationState => {
    const sound: ApplicationState = {
      progress: () => journal.progress(),
      nextNonce: (sender) => journal.nextNonce(sender),
      validateUserOp: (sender, op) => journal.refuseNonce(sender, op.nonce),
      applyUserOp: (op, safeBlock) => {
        journal.useNonce(op.sender);
        journal.advance(safeBlock);
        return [{ kind: "notice", payload: op.data.slice() }];
      },
      applyDirectInput: (input) => {
        journal.advance(input.blockNumber);
        return [];
      },
      snapshot: () => journal.encode(),
    };
    return { ...sound, ...state(sound, journal) };
  };
  return {
    name: "spoiled",
    maxMethodPayloadBytes: 32,
    stateBytesMax: 1024,
    parseConfig: () => ok({}),
    describeConfig: () => ({}),
    parseDescription: () => ({}),
    genesis: () => stateOf(new Journal()),
    restore: (_, bytes) => {
      const journal = Journal.decode(bytes);
      return journal.ok ? ok(stateOf(journal.value)) : journal;
    },
    ...declared,
  };
}

const check = (spoil: Spoil): readonly string[] => checkApplication(spoiled(spoil), {}, STEPS);

describe("[X4] a sound application", () => {
  test("a journal alone", () => {
    expect(check({})).toEqual([]);
  });

  test("the wallet, with every method and its failure", () => {
    const deposit = (account: typeof ALICE, units: bigint) =>
      direct(PORTAL, depositPayload(TOKEN, account, units), 3);
    const steps: readonly Step[] = [
      { sender: ALICE, data: encodeTransfer(1n, BOB) },
      deposit(BOB, 1_000n),
      deposit(ALICE, 10_000n),
      { sender: ALICE, data: encodeTransfer(100n, BOB), fee: 200, safeBlock: 3 },
      { sender: BOB, data: encodeTransfer(1n << 200n, ALICE), fee: 200, safeBlock: 4 },
      { sender: BOB, data: encodeWithdrawal(7n), fee: 200, safeBlock: 4 },
      { sender: ALICE, data: Uint8Array.of(9), fee: 1060, safeBlock: 5 },
    ];
    expect(checkApplication(walletApplication, CONFIG, steps)).toEqual([]);
  });
});

let clock = 0;

describe("[X4, V1] an unsound application", () => {
  test.each<{ readonly finding: string; readonly spoil: Spoil }>([
    {
      finding: "maxMethodPayloadBytes is no count of bytes",
      spoil: { declared: { maxMethodPayloadBytes: 1.5 } },
    },
    {
      finding: `stateBytesMax is above ${STATE_BYTES_MAX}`,
      spoil: { declared: { stateBytesMax: STATE_BYTES_MAX + 1 } },
    },
    { finding: "a snapshot is above stateBytesMax", spoil: { declared: { stateBytesMax: 63 } } },
    {
      finding: "parseDescription refuses what describeConfig says",
      spoil: { declared: { parseDescription: () => null } },
    },
    {
      finding: "step 0: a second run has other outputs or another state",
      spoil: {
        state: (sound) => ({
          applyUserOp: (op, block) => {
            sound.applyUserOp(op, block);
            clock += 1;
            return [{ kind: "notice", payload: Uint8Array.of(clock) }];
          },
        }),
      },
    },
    {
      finding: "step 1: a run from snapshots has other outputs or another state",
      spoil: { state: rememberTheFirstSender },
    },
    {
      finding: "restore refuses a snapshot of its own: never",
      spoil: { declared: { restore: () => err("never") } },
    },
    {
      finding: "restore takes bytes that the restored state writes otherwise",
      spoil: {
        declared: {
          restore: (_, bytes) => {
            const journal = Journal.decode(
              bytes.slice(0, 16 + 24 * Math.floor((bytes.length - 16) / 24)),
            );
            return journal.ok ? spoiled({}).restore({}, journal.value.encode()) : journal;
          },
        },
      },
    },
    {
      finding: "restore throws instead of saying what is wrong",
      spoil: {
        declared: {
          restore: (_, bytes) => {
            const restored = spoiled({}).restore({}, bytes);
            if (!restored.ok) throw new Error(restored.error);
            return restored;
          },
        },
      },
    },
    {
      finding: "step 0: it takes an op with another nonce than the next",
      spoil: { state: () => ({ validateUserOp: () => null }) },
    },
    {
      finding: "step 0: validation changes the state",
      spoil: {
        state: (sound, journal) => ({
          validateUserOp: (sender, op, fee) => {
            if (op.nonce === 1) journal.useNonce(sender);
            return sound.validateUserOp(sender, { ...op, nonce: journal.nextNonce(sender) }, fee);
          },
        }),
      },
    },
    {
      finding: "step 0: validation answers otherwise when it is asked again",
      spoil: {
        state: (sound) => {
          let asked = 0;
          return {
            validateUserOp: (sender, op, fee) => {
              asked += 1;
              return asked % 2 === 0
                ? { reason: "nonce-exhausted" }
                : sound.validateUserOp(sender, op, fee);
            },
          };
        },
      },
    },
    {
      finding: "step 0: an executed op does not use its nonce",
      spoil: {
        state: (_, journal) => ({
          applyUserOp: (_op, safeBlock) => {
            journal.advance(safeBlock);
            return [];
          },
        }),
      },
    },
    {
      finding: "step 0: an output is the memory of an input",
      spoil: {
        state: (sound) => ({
          applyUserOp: (op, safeBlock) => {
            sound.applyUserOp(op, safeBlock);
            return [{ kind: "notice", payload: op.data }];
          },
        }),
      },
    },
    { finding: "step 0: it keeps arrays that are not its own", spoil: { state: keepData } },
    {
      finding: "step 0: its snapshot is its own memory",
      spoil: { state: (sound) => ({ snapshot: oneArrayUntilItChanges(sound) }) },
    },
    {
      finding: "it throws: execution advances the input count by one",
      spoil: { state: () => ({ applyDirectInput: () => [] }) },
    },
    {
      finding: "a direct input of 20 bytes makes it throw",
      spoil: {
        state: (sound) => ({
          applyDirectInput: (input) => {
            if (input.payload.length === 20) throw new Error("a portal");
            return sound.applyDirectInput(input);
          },
        }),
      },
    },
    {
      finding: "an op of 256 bytes makes it throw",
      spoil: {
        state: (sound) => ({
          validateUserOp: (sender, op, fee) => {
            if (op.data.length > 32) throw new Error("too long");
            return sound.validateUserOp(sender, op, fee);
          },
        }),
      },
    },
  ])("$finding", ({ finding, spoil }) => {
    clock = 0;
    expect(check(spoil)).toContain(finding);
  });
});

/** State that is in no snapshot. */
function rememberTheFirstSender(sound: ApplicationState): Partial<ApplicationState> {
  let first: string | null = null;
  return {
    applyUserOp: (op, safeBlock) => {
      first ??= op.sender;
      sound.applyUserOp(op, safeBlock);
      return [{ kind: "notice", payload: Uint8Array.of(first === op.sender ? 1 : 0) }];
    },
  };
}

/** The last op's data, as it was given, at the end of the snapshot. */
function keepData(sound: ApplicationState): Partial<ApplicationState> {
  let kept: Uint8Array = new Uint8Array();
  return {
    applyUserOp: (op, safeBlock) => {
      kept = op.data;
      return sound.applyUserOp(op, safeBlock);
    },
    snapshot: () => Uint8Array.of(...sound.snapshot(), ...kept),
  };
}

function oneArrayUntilItChanges(sound: ApplicationState): () => Uint8Array {
  let cached: Uint8Array | null = null;
  let count = 0;
  return () => {
    const { executedInputCount } = sound.progress();
    if (cached === null || count !== executedInputCount) cached = sound.snapshot();
    count = executedInputCount;
    return cached;
  };
}
