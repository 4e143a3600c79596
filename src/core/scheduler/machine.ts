/**
 * The rollup's machine: what an application's inputs on L1 do to it, and what it emits (P§3.4).
 *
 * The same fold as everywhere (S2), behind the two requests that a Cartesi machine gets: `advance` with an
 * input as InputBox stored it, and `inspect` with a query. Text and bytes go in and come out and nothing
 * else is touched, so it runs in whatever executes JavaScript. An input is always accepted: to reject one
 * would undo the direct inputs that it drained.
 */

import type { Application, Output } from "../application/application.ts";
import { assert } from "../types/assert.ts";
import { asciiBytes } from "../types/bytes.ts";
import { type Address, toHex } from "../types/hex.ts";
import { blockNumber } from "../types/units.ts";
import { decodeEvmAdvance } from "../wire/evm-advance.ts";
import { recoverAddress } from "../wire/signature.ts";
import { createScheduler } from "./scheduler.ts";

export type MachineSettings<Config> = {
  readonly application: Application<Config>;
  readonly config: Config;
  /** The batch submitter. It is part of the machine: another one is another rollup. */
  readonly submitter: Address;
};

/** An output of the application, or a word of the machine's own, which L1 does not see. */
export type Emitted = Output | { readonly kind: "report"; readonly payload: Uint8Array };

export type Machine = {
  /**
   * `input` is the envelope `EvmAdvance`. Throws for bytes that InputBox does not write, and whatever the
   * application throws: there is no canonical successor, so whoever runs the machine stops it.
   */
  advance(input: Uint8Array): readonly Emitted[];
  /** One report: the state's bytes for an empty query or `state`. */
  inspect(query: Uint8Array): readonly Emitted[];
};

const STATE_QUERY = toHex(asciiBytes("state"));

/** Begins at genesis. */
export function createMachine<Config>(settings: MachineSettings<Config>): Machine {
  const { application, config, submitter } = settings;
  const state = application.genesis(config);
  const scheduler = createScheduler({
    config: { sequencer: submitter },
    state,
    recover: recoverAddress,
  });
  return {
    advance(input: Uint8Array): readonly Emitted[] {
      const decoded = decodeEvmAdvance(input);
      assert(decoded.ok, "the node hands on what InputBox stored");
      const { chainId, appContract: app, msgSender: sender, payload } = decoded.value;
      const { outcome, outputs } = scheduler.process({
        chainId: narrow(chainId),
        app,
        sender,
        blockNumber: blockNumber(narrow(decoded.value.blockNumber)),
        payload,
      });
      if (outcome.kind !== "batch-rejected") return outputs;
      return [...outputs, report("scheduler dropped invalid batch")];
    },
    inspect(query: Uint8Array): readonly Emitted[] {
      if (query.length > 0 && toHex(query) !== STATE_QUERY) {
        return [report("unsupported inspect query")];
      }
      return [{ kind: "report", payload: state.snapshot() }];
    },
  };
}

/** Neither a chain's id nor its height comes near 2^53 (S7). */
function narrow(value: bigint): number {
  const number = Number(value);
  assert(Number.isSafeInteger(number), "chain id and block number are safe integers");
  return number;
}

function report(text: string): Emitted {
  return { kind: "report", payload: asciiBytes(text) };
}
