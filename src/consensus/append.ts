/** A log that the library writes itself: entries are signed and appended one by one (C2, C6). */

import { chunkPreimage } from "../core/chunk/header.ts";
import { firstOffsetAfter } from "../core/consensus/line.ts";
import type { AsyncSigner, ChunkRef } from "../core/consensus/types.ts";
import { offset } from "../core/types/units.ts";
import type { Lead } from "./lead.ts";
import { entryRoot } from "./payload.ts";
import { type ConductorStore, logEntry, type Place } from "./payload-store.ts";

export type Prepared = { readonly bytes: Uint8Array; readonly place: Place | null };

type Appender = { readonly signer: AsyncSigner; readonly store: ConductorStore };

/**
 * Appends one entry to the log; answers where. Null when the epoch ended first, or when `prepare`
 * declines: it is asked in the entry's own turn, when everything before it is in the log.
 */
export async function appendEntry(
  lead: Lead,
  { signer, store }: Appender,
  prepare: () => Promise<Prepared | null>,
): Promise<ChunkRef | null> {
  const { record } = lead.known;
  return await lead.inTurn(async (end) => {
    const prepared = await prepare();
    if (prepared === null) return null;
    const { bytes, place } = prepared;
    const first = firstOffsetAfter(end, record.epoch);
    const header = {
      chainId: record.chainId,
      app: record.app,
      era: record.era,
      epoch: record.epoch,
      height: end.height + 1,
      parent: end.hash,
      root: entryRoot(bytes),
      eventCount: 1,
      firstOffset: first,
      nextOffset: offset(first + 1),
    };
    const signature = await signer.sign(chunkPreimage(header));
    if (lead.isOver) return null;
    const entry = logEntry({ header, scheme: signer.scheme, signature }, bytes, place);
    await store.append(entry);
    lead.announce([entry]);
    return entry.ref;
  });
}
