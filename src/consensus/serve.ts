/** What a validator hands to a candidate that recovers or follows: chunks after a certified one. */

import type { LineChunk } from "../core/consensus/line.ts";
import { lineTo, type ValidatorDurable } from "../core/consensus/validator-state.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";
import type { Answer, Request, SentChunk } from "./messages.ts";
import type { ValidatorStore } from "./validator-store.ts";

/** As many as one message may have. */
const PAGE_CHUNKS = 256;

type Fetch = Request & { readonly is: "fetch" };

/** An empty page where this validator has not got what is asked for. */
export async function serveFetch(
  store: ValidatorStore,
  durable: ValidatorDurable,
  { after, goal }: Fetch,
): Promise<Answer> {
  const { base, lock } = durable;
  const line = goal === null ? [] : lineTo(durable, goal);
  const chunks = line === null ? [] : await page(store, durable, line, after.height + 1);
  const through = after.height + chunks.length;
  const certificate =
    through >= base.height && lock?.chunk.hash === base.hash
      ? lock
      : await store.certificateUpTo(Math.min(through, base.height));
  return { is: "chunks", after, goal, chunks, certificate };
}

async function page(
  store: ValidatorStore,
  durable: ValidatorDurable,
  line: readonly LineChunk[],
  from: number,
): Promise<readonly SentChunk[]> {
  const chunks: SentChunk[] = [];
  let bytes = 0;
  for (let height = from; chunks.length < PAGE_CHUNKS; height++) {
    const chunk = await chunkAt(store, durable, line, height);
    const payload = chunk === null ? null : await store.payload(chunk.ref.hash);
    if (chunk === null || payload === null) break;
    bytes += payload.length;
    if (chunks.length > 0 && bytes > BLOB_BYTES_MAX) break;
    chunks.push({ signed: chunk.signed, payload });
  }
  return chunks;
}

async function chunkAt(
  store: ValidatorStore,
  { base }: ValidatorDurable,
  line: readonly LineChunk[],
  height: number,
): Promise<LineChunk | null> {
  if (height > base.height) return line[height - base.height - 1] ?? null;
  return await store.certifiedAt(height);
}
