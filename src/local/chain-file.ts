/**
 * The order of the states in a saved chain.
 *
 * anvil saves the states of its recent blocks in any order, loads them in the order of the file and
 * forgets the first of them as new blocks come. Only in the order of their blocks does it forget the
 * oldest, and can be asked about the safe block all the time.
 */

import { LocalFailure } from "./failure.ts";

/** What is read of the text that `anvil_dumpState` answers. */
type SavedChain = {
  readonly blocks: readonly { readonly header: Header }[];
  /** The hash of a block, and the state after it. */
  readonly historical_states?: readonly (readonly [string, unknown])[] | null;
};

type Header = { readonly number: string; readonly parentHash: string };

/** anvil writes the states last. */
const STATES_KEY = ',"historical_states":';

/**
 * Everything but the states stays as it is: text may hold what a number in memory cannot. Throws
 * `LocalFailure` when the text is no saved chain.
 */
export function sortStates(chain: string): string {
  const { blocks, historical_states: states = null } = parseChain(chain);
  if (states === null) return chain;
  // Blocks do not carry their own hash, but their children do.
  const numbers = new Map(
    blocks.map(({ header }) => [header.parentHash, Number(header.number) - 1]),
  );
  const numberOf = ([hash]: readonly [string, unknown]) =>
    numbers.get(hash) ?? Number.POSITIVE_INFINITY;
  const sorted = states.toSorted((a, b) => (numberOf(a) < numberOf(b) ? -1 : 1));
  const start = chain.lastIndexOf(STATES_KEY) + STATES_KEY.length;
  return `${chain.slice(0, start)}${JSON.stringify(sorted)}}`;
}

function parseChain(chain: string): SavedChain {
  try {
    const saved: SavedChain = JSON.parse(chain);
    if (Array.isArray(saved.blocks)) return saved;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new LocalFailure("chain.json is damaged: begin anew with npm start -- --fresh");
}
