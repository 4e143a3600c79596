/**
 * The order of the states in a saved chain.
 *
 * anvil saves the states of its recent blocks in any order, loads them in the order of the file and
 * forgets the first of them as new blocks come. Only in the order of their blocks does it forget the
 * oldest, and can be asked about the safe block all the time.
 */

/** A state lists the hashes of the blocks up to its own, by number. */
type State = readonly [string, { readonly block_hashes: Readonly<Record<string, string>> }];

/** anvil writes it last. */
const STATES_KEY = ',"historical_states":';

/** The rest of the text stays as it is: what it says in numbers may be more than a number holds. */
export function sortStates(chain: string): string {
  const at = chain.lastIndexOf(STATES_KEY);
  if (at < 0) return chain;
  const start = at + STATES_KEY.length;
  const states: readonly State[] | null = JSON.parse(chain.slice(start, chain.lastIndexOf("}")));
  if (states === null) return chain;
  const sorted = states
    .map((state) => ({ state, block: ownBlock(state) }))
    .sort((a, b) => a.block - b.block)
    .map(({ state }) => state);
  return `${chain.slice(0, start)}${JSON.stringify(sorted)}}`;
}

function ownBlock([, state]: State): number {
  return Object.keys(state.block_hashes).reduce((most, key) => Math.max(most, Number(key)), 0);
}
