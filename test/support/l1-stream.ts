/**
 * Random L1 histories of one application: every kind of landing that the scheduler tells apart.
 *
 * A stream is a list of steps, written down on a ledger. A well-formed batch carries the nonce and its
 * ops the nonces that come next when every input before was taken as it was meant; that needs no
 * scheduler, only the meaning of each step.
 */

import fc from "fast-check";
import { type Address, address } from "../../src/core/types/hex.ts";
import { type Batch, decodeBatch, type Frame, type WireUserOp } from "../../src/core/wire/batch.ts";
import { L1Ledger, type LedgerInput, SEQUENCER, symbolicOp } from "./l1-ledger.ts";

const addressesOf = (...bytes: readonly string[]): readonly Address[] =>
  bytes.map((byte) => address(`0x${byte.repeat(20)}`));

export const STRANGERS: readonly Address[] = addressesOf("d1", "d2", "d3");
export const USERS: readonly Address[] = addressesOf("a1", "a2", "a3");

/** Literal, so that a wrong constant in the source is seen. */
const MAX_WAIT = 1_200;
/** Later than the oldest frame clock is old, so that no clock is below 0. */
const FIRST_BLOCK = 2_000;

type OpShape = {
  readonly user: Address;
  /** Added to the nonce that is right. */
  readonly nonceShift: number;
  readonly maxFee: number;
  readonly data: Uint8Array;
  readonly spoilt: "no" | "short-signature" | "other-digest";
};

/** `advance`: how far the clock is beyond the frame before, at most up to the input's block. */
type FrameShape = {
  readonly advance: number;
  readonly fee: number;
  readonly ops: readonly OpShape[];
};

/** `age`: blocks from the first frame's clock to the input. */
export type BatchShape = { readonly age: number; readonly frames: readonly FrameShape[] };

export type Step =
  | { readonly kind: "bytes"; readonly sender: Address; readonly payload: Uint8Array }
  | { readonly kind: "batch"; readonly sender: Address; readonly shape: BatchShape }
  | { readonly kind: "wrong-nonce"; readonly shape: BatchShape; readonly shift: bigint }
  /** The last frame's clock goes to this much above the block. */
  | { readonly kind: "above-inclusion"; readonly shape: BatchShape; readonly above: bigint }
  /** One more frame, this much below the last. */
  | { readonly kind: "non-monotonic"; readonly shape: BatchShape; readonly back: number };

const payloads = fc.uint8Array({ maxLength: 6 });

const opShapes: fc.Arbitrary<OpShape> = fc.record({
  user: fc.constantFrom(...USERS),
  nonceShift: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1)),
  maxFee: fc.constantFrom(9, 10, 11, 0xffff),
  data: payloads,
  spoilt: fc.oneof(
    { weight: 6, arbitrary: fc.constant("no" as const) },
    fc.constantFrom("short-signature" as const, "other-digest" as const),
  ),
});

const frameShapes: fc.Arbitrary<FrameShape> = fc.record({
  advance: fc.constantFrom(0, 0, 1, 5, 40, 700),
  fee: fc.constantFrom(0, 10, 11),
  ops: fc.array(opShapes, { maxLength: 4 }),
});

const freshAges = fc.constantFrom(0, 1, 5, 60, 400, MAX_WAIT - 1);
const staleAges = fc.constantFrom(MAX_WAIT, MAX_WAIT + 1, MAX_WAIT + 500);
/** Above 2^53 a number would be rounded. */
const farU64 = fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n);

const shapes = (age: fc.Arbitrary<number>, minLength: number): fc.Arbitrary<BatchShape> =>
  fc.record({ age, frames: fc.array(frameShapes, { minLength, maxLength: 4 }) });

const batches = (sender: fc.Arbitrary<Address>, shape: fc.Arbitrary<BatchShape>) =>
  fc.record({ kind: fc.constant("batch" as const), sender, shape });

export const directSteps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("bytes" as const),
  sender: fc.constantFrom(...STRANGERS),
  payload: payloads,
});

/** Bytes of the sequencer's that no decoder takes for a batch. */
export const malformedSteps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("bytes" as const),
  sender: fc.constant(SEQUENCER),
  payload: fc.uint8Array({ maxLength: 40 }).filter((payload) => !decodeBatch(payload).ok),
});

/** Fresh batches with the next nonce, some without frames. */
export const freshSteps: fc.Arbitrary<Step> = batches(fc.constant(SEQUENCER), shapes(freshAges, 0));

export const staleSteps: fc.Arbitrary<Step> = batches(fc.constant(SEQUENCER), shapes(staleAges, 1));

/** Good batches from somebody else: direct inputs. */
export const foreignSteps: fc.Arbitrary<Step> = batches(
  fc.constantFrom(...STRANGERS),
  shapes(freshAges, 0),
);

export const wrongNonceSteps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("wrong-nonce" as const),
  shape: shapes(fc.oneof(freshAges, staleAges), 0),
  shift: fc.oneof(fc.constantFrom(-2n, -1n, 1n, 2n), farU64),
});

/** The two refusals that the acceptance predicate leaves out. */
export const structuralSteps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("above-inclusion" as const),
    shape: shapes(freshAges, 1),
    above: fc.oneof(fc.constantFrom(1n, 2n, 1_200n), farU64),
  }),
  fc.record({
    kind: fc.constant("non-monotonic" as const),
    shape: shapes(fc.oneof({ weight: 3, arbitrary: freshAges }, staleAges), 1),
    back: fc.constantFrom(1, 2, 200),
  }),
);

/** Everything but the structural refusals. */
export const orderlySteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: directSteps },
  { weight: 5, arbitrary: freshSteps },
  staleSteps,
  foreignSteps,
  wrongNonceSteps,
  malformedSteps,
);

export const allSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: orderlySteps },
  structuralSteps,
);

/** Gaps between inputs reach both sides of the limits, alone and in sum. */
const gaps = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 0, 1, 2, 30) },
  fc.constantFrom(600, MAX_WAIT - 1, MAX_WAIT, MAX_WAIT + 1),
);

export function streams(
  steps: fc.Arbitrary<Step>,
  maxLength: number = 25,
): fc.Arbitrary<readonly LedgerInput[]> {
  return fc.array(fc.record({ gap: gaps, step: steps }), { maxLength }).map((plan) => {
    const writer = new Writer();
    for (const { gap, step } of plan) writer.write(gap, step);
    return writer.ledger.inputs;
  });
}

class Writer {
  readonly ledger = new L1Ledger(FIRST_BLOCK);
  #nonce = 0n;
  #opNonces = new Map<Address, number>();

  write(gap: number, step: Step): void {
    this.ledger.advance(gap);
    if (step.kind === "bytes") {
      this.ledger.bytes(step.payload, step.sender);
      return;
    }
    const { frames, opNonces } = framesOf(step.shape, this.ledger.block, this.#opNonces);
    const batch = { nonce: this.#nonce, frames };
    if (step.kind !== "batch") {
      this.ledger.batch(spoil(batch, step, this.ledger.block));
      return;
    }
    this.ledger.batch(batch, step.sender);
    if (step.sender !== SEQUENCER || (frames.length > 0 && step.shape.age >= MAX_WAIT)) return;
    this.#nonce += 1n;
    this.#opNonces = opNonces;
  }
}

function spoil(
  batch: Batch,
  step: Exclude<Step, { kind: "bytes" | "batch" }>,
  block: number,
): Batch {
  const { nonce, frames } = batch;
  if (step.kind === "wrong-nonce") {
    return { nonce: BigInt.asUintN(64, nonce + step.shift), frames };
  }
  const last = frames.at(-1);
  if (last === undefined) throw new Error("a structural step has a frame");
  if (step.kind === "above-inclusion") {
    const above = BigInt(block) + step.above;
    const safeBlock = above < 2n ** 64n ? above : 2n ** 64n - 1n;
    return { nonce, frames: [...frames.slice(0, -1), { ...last, safeBlock }] };
  }
  const safeBlock = last.safeBlock - BigInt(step.back);
  return { nonce, frames: [...frames, { ...last, safeBlock }] };
}

/** The frames, and the users' nonces if they are executed. */
function framesOf(
  shape: BatchShape,
  block: number,
  before: ReadonlyMap<Address, number>,
): { readonly frames: readonly Frame[]; readonly opNonces: Map<Address, number> } {
  const opNonces = new Map(before);
  let clock = block - shape.age;
  const frames = shape.frames.map((frame, index) => {
    clock = Math.min(block, clock + (index === 0 ? 0 : frame.advance));
    const userOps = frame.ops.map((op) => opOf(op, frame.fee, opNonces));
    return { userOps, safeBlock: BigInt(clock), feePrice: frame.fee };
  });
  return { frames, opNonces };
}

function opOf(shape: OpShape, fee: number, opNonces: Map<Address, number>): WireUserOp {
  const { user, maxFee, data, nonceShift, spoilt } = shape;
  const next = opNonces.get(user) ?? 0;
  const op = symbolicOp(user, { nonce: (next + nonceShift) >>> 0, maxFee, data });
  if (spoilt === "short-signature") return { ...op, signature: op.signature.subarray(1) };
  if (spoilt === "other-digest") return { ...op, nonce: next, maxFee: maxFee ^ 1 };
  if (nonceShift === 0 && maxFee >= fee) opNonces.set(user, next + 1);
  return op;
}
