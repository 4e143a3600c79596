/**
 * Whether the files of an earlier run belong together, before anything is started on them.
 *
 * The sequencer's database makes sense only on the chain that it read. Whatever is missing or does not
 * fit is answered with the one way out, and never with a chain that contradicts the database.
 */

import { LocalFailure } from "./failure.ts";

/** What is in the data directory. */
export type Leftover = {
  readonly hasDevnet: boolean;
  readonly hasChain: boolean;
  readonly hasDatabase: boolean;
};

export type Start = "new" | "resume";

const ANEW = "begin anew with npm start -- --fresh";

/**
 * A chain is saved before it is written down, and written down before a database exists. So without
 * a record nothing was promised to anybody, unless there is a database all the same.
 */
export function decideStart(leftover: Leftover): Start {
  const { hasDevnet, hasChain, hasDatabase } = leftover;
  if (hasDevnet && hasChain) return "resume";
  if (!hasDatabase) return "new";
  throw new LocalFailure(`the chain of this data directory is missing: ${ANEW}`);
}

export function checkGenesis(recordedHash: string, loadedHash: string): void {
  if (recordedHash === loadedHash) return;
  throw new LocalFailure(`the chain of this data directory is another one: ${ANEW}`);
}

/**
 * `loadedHead` is the newest block of the chain as it was loaded; `seenBlock` the newest safe block
 * that the sequencer has stored, null when it has none. A chain that ends below it would grow other
 * blocks in the place of those that the sequencer has seen.
 */
export function checkHead(loadedHead: number, seenBlock: number | null): void {
  if (seenBlock === null || seenBlock <= loadedHead) return;
  throw new LocalFailure(
    `the saved chain ends at block ${loadedHead}, but the database has seen block ${seenBlock}: ${ANEW}`,
  );
}

/** What is printed when the sequencer itself refuses the chain or the configuration. */
export function describeRefusal(refusal: string | null): string {
  return `the sequencer refuses to serve${refusal === null ? "" : ` (${refusal})`}: ${ANEW}`;
}

/** What is printed when the chain holds batches of a database that is not there any more. */
export function describeRebuild(
  url: string,
  rpcUrl: string,
  variables: Readonly<Record<string, string>>,
): string {
  const assigned = Object.entries(variables).map(([name, value]) => `${name}=${value} `);
  return [
    `L1 holds batches of an earlier database: ${ANEW}, or rebuild it with`,
    `${assigned.join("")}npm run -s baton -- rebuild ${url} --rpc-url ${rpcUrl}`,
  ].join("\n  ");
}

/** What is printed when the sequencer neither serves nor refuses: it cannot go on with this L1. */
export function describeStall(mode: string, seconds: number): string {
  return `the sequencer is still ${mode} after ${seconds} s; if its chain is another one, ${ANEW}`;
}
