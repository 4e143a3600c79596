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

/** The chain that was loaded, against what was written down and what the sequencer has seen. */
export type Match = {
  readonly recordedGenesis: string;
  readonly loadedGenesis: string;
  /** Newest block of the chain as it was loaded, before any is mined. */
  readonly loadedHead: number;
};

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

export function checkGenesis({ recordedGenesis, loadedGenesis }: Match): void {
  if (recordedGenesis === loadedGenesis) return;
  throw new LocalFailure(`the chain of this data directory is another one: ${ANEW}`);
}

/**
 * `seenBlock` is the newest safe block that the sequencer has stored, null when it has none. A chain
 * that ends below it would grow other blocks in the place of those that the sequencer has seen.
 */
export function checkHead({ loadedHead }: Match, seenBlock: number | null): void {
  if (seenBlock === null || seenBlock <= loadedHead) return;
  throw new LocalFailure(
    `the saved chain ends at block ${loadedHead}, before block ${seenBlock} that the database has seen: ${ANEW}`,
  );
}

/** What is printed when the sequencer itself refuses the chain or the configuration. */
export function describeRefusal(refusal: string | null): string {
  return `the sequencer refuses to serve${refusal === null ? "" : ` (${refusal})`}: ${ANEW}`;
}

/** What is printed when the sequencer neither serves nor refuses: it cannot go on with this L1. */
export function describeStall(mode: string, seconds: number): string {
  return `the sequencer is still ${mode} after ${seconds} s; if its chain is another one, ${ANEW}`;
}
