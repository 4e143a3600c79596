/**
 * Between the object and its endpoints: the `L1` type, with everything that a network does to a call.
 *
 * A call leaves the object when its turn is durable, takes effect at one moment, and is answered at
 * another, later one, or not within the timeout. An answer comes back as a turn of the life that asked;
 * when that life is over, nobody hears it, though the call had its effect.
 */

import { ok, type Result } from "../../src/core/types/result.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import type { InputQuery, InputSlice, L1, L1Error, L1Options } from "../../src/l1/l1.ts";
import type { Audit } from "./audit.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Random } from "./random.ts";
import type { Signing } from "./signing.ts";
import type { Timeline } from "./timeline.ts";

/** One life of the object: from a wake-up to the reset that ends it. */
export type Life = {
  /** Runs `effect` when the turn that goes on now is durable; never if it is given up. */
  readonly send: (effect: () => void) => void;
  /** Runs `work` as a turn, or not at all when the life is over. */
  readonly turn: (name: string, work: () => void) => Promise<void>;
};

/** Chances per call, turned by faults. */
export type WireSwitches = {
  /** The call is lost before it has an effect. */
  lostBefore: number;
  /** The call has its effect and its answer is lost. */
  lostAfter: number;
  /** An answer with inputs leaves some out, or ends early. */
  truncated: number;
  latencyMs: number;
};

export const QUIET_WIRE: WireSwitches = {
  lostBefore: 0,
  lostAfter: 0,
  truncated: 0,
  latencyMs: 60,
};

const UNREACHABLE_MS = 200;

type Answer<T> = Result<T, L1Error>;

type Parts = {
  readonly timeline: Timeline;
  readonly audit: Audit;
  readonly random: Random;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly signing: Signing;
};

export class Wire {
  readonly switches: WireSwitches = { ...QUIET_WIRE };
  readonly #parts: Parts;
  calls = 0;
  broadcasts = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  connect(life: Life, { url, timeoutMs }: L1Options): L1 {
    const endpoint = this.#parts.endpoints.get(url);
    if (endpoint === undefined) throw new Error("no such endpoint");
    const call = <T>(name: string, ask: () => Answer<T>): Promise<Answer<T>> =>
      new Promise((resolve) => {
        const answer = (value: Answer<T>) =>
          life.turn(`${name} -> ${summary(value)}`, () => resolve(value));
        life.send(() => this.#carry({ endpoint, timeoutMs, name }, ask, answer));
      });
    return {
      chainId: () => call("chainId", () => endpoint.chainId()),
      discover: () => call("discover", () => endpoint.discover()),
      block: (tag) => call(`block ${tag}`, () => endpoint.block(tag)),
      inputs: (query) =>
        call(`inputs ${query.from}..${query.to}`, () => this.#inputs(endpoint, query)),
      inputCount: (_box, _app, at) => call(`inputCount ${at}`, () => endpoint.inputCount(at)),
      transactionCount: (_account, tag) =>
        call(`nonce ${tag}`, () => endpoint.transactionCount(tag)),
      balance: () => call("balance", () => ok(10n ** 20n)),
      feeHistory: () => call("feeHistory", () => endpoint.feeHistory()),
      estimateGas: (_from, { payload }) =>
        call("estimateGas", () => ok(60_000n + 16n * BigInt(payload.length))),
      estimateNoOpGas: () => call("estimateNoOpGas", () => ok(21_000n)),
      broadcast: (raw) => {
        this.broadcasts += 1;
        const transaction = this.#parts.signing.parse(raw);
        const what = `${transaction.payload === null ? "no-op" : "batch"}@${transaction.walletNonce}`;
        return call(`broadcast ${what}`, () => endpoint.broadcast(transaction));
      },
      receiptBlock: (hash) => call("receiptBlock", () => endpoint.receiptBlock(hash)),
    };
  }

  #carry<T>(
    to: { readonly endpoint: Endpoint; readonly timeoutMs: number; readonly name: string },
    ask: () => Answer<T>,
    answer: (value: Answer<T>) => Promise<void>,
  ): void {
    const { timeline, random } = this.#parts;
    const { switches } = this;
    this.calls += 1;
    const isLostBefore = random.chance(switches.lostBefore);
    const isLostAfter = random.chance(switches.lostAfter);
    const latencyMs = random.waitMs(switches.latencyMs);
    const how = random.pick(["unreachable", "unreachable", "timeout", "rpc-error"] as const);
    const isLateLook = random.chance(0.5);
    if (to.endpoint.isDown || isLostBefore) {
      const delayMs = how === "timeout" ? to.timeoutMs : UNREACHABLE_MS;
      const code = how === "rpc-error" ? -32_000 : null;
      timeline.after(delayMs, () => answer({ ok: false, error: { reason: how, code } }));
      return;
    }
    const isInTime = latencyMs < to.timeoutMs && !isLostAfter;
    const timeout = (): Answer<T> => ({ ok: false, error: { reason: "timeout", code: null } });
    if (isInTime && isLateLook) {
      timeline.after(latencyMs, () => answer(ask()));
      return;
    }
    if (isInTime && !to.name.startsWith("broadcast")) {
      const value = ask();
      timeline.after(latencyMs, () => answer(value));
      return;
    }
    let value = timeout();
    timeline.after(Math.floor(latencyMs / 2), () => {
      const done = ask();
      if (isInTime) value = done;
    });
    timeline.after(Math.min(latencyMs + (isLostAfter ? to.timeoutMs : 0), to.timeoutMs), () =>
      answer(value),
    );
  }

  /** Truncated only where InputBox can still be asked for its count: elsewhere nobody could tell. */
  #inputs(endpoint: Endpoint, query: InputQuery): Answer<InputSlice> {
    const whole = endpoint.inputs(query);
    const { random } = this.#parts;
    if (!whole.ok || !random.chance(this.switches.truncated)) return kept(whole, query);
    const { inputs, end } = whole.value;
    if (endpoint.keepsState(end) && inputs.length > 0 && random.chance(0.5)) {
      const from = random.chance(0.3) ? random.below(inputs.length) : 0;
      const to = random.between(from, inputs.length - 1);
      return kept(ok({ inputs: inputs.slice(from, to), end }), query);
    }
    const early = blockNumber(random.between(Math.min(query.from, end), end));
    const before = inputs.filter((input) => input.blockNumber <= early);
    return kept(ok({ inputs: before, end: early }), query);
  }
}

function kept(slice: Answer<InputSlice>, query: InputQuery): Answer<InputSlice> {
  if (!slice.ok || query.sender === null) return slice;
  const inputs = slice.value.inputs.filter((input) => input.sender === query.sender);
  return ok({ inputs, end: slice.value.end });
}

function summary(answer: Answer<unknown>): string {
  if (!answer.ok) return answer.error.reason;
  const { value } = answer;
  if (typeof value !== "object" || value === null) return String(value);
  if ("inputs" in value && Array.isArray(value.inputs)) return `${value.inputs.length} inputs`;
  if ("number" in value && "hash" in value)
    return `${value.number} ${String(value.hash).slice(-6)}`;
  return "ok";
}
