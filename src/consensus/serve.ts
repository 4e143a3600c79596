/** What a validator hands to a candidate that recovers or follows: chunks after a certified one, or a beginning. */

import type { ChunkHeader } from "../core/chunk/header.ts";
import type { LineChunk } from "../core/consensus/line.ts";
import { lineTo, type ValidatorDurable } from "../core/consensus/validator-state.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";
import { HEADERS_MAX } from "./message-parts.ts";
import type { Answer, Beginning, Request, SentChunk } from "./messages.ts";
import type { KeptBeginning, ValidatorStore } from "./validator-store.ts";

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

type WantBeginning = Request & { readonly is: "want-beginning" };

/** With what to begin where the chunks behind the asker's newest one are gone. */
export async function serveBeginning(
  store: ValidatorStore,
  durable: ValidatorDurable,
  { after, isAny }: WantBeginning,
): Promise<Answer> {
  const isNeeded = isAny || !(await isKept(store, durable, after.height + 1));
  const kept = isNeeded ? ((await store.beginning?.()) ?? null) : null;
  const isBeyond = kept !== null && kept.height > after.height;
  return { is: "beginning", after, beginning: isBeyond ? await beginAt(store, kept) : null };
}

/** Nothing is certified there, or its payload is at hand. */
async function isKept(
  store: ValidatorStore,
  { base }: ValidatorDurable,
  height: number,
): Promise<boolean> {
  if (height > base.height) return true;
  const chunk = await store.certifiedAt(height);
  return chunk !== null && (await store.payload(chunk.ref.hash)) !== null;
}

async function beginAt(
  store: ValidatorStore,
  { height, certificate }: KeptBeginning,
): Promise<Beginning | null> {
  const chunk = await store.certifiedAt(height);
  const payload = chunk === null ? null : await store.payload(chunk.ref.hash);
  const count = certificate.chunk.height - height;
  if (chunk === null || payload === null || count > HEADERS_MAX) return null;
  const above: ChunkHeader[] = [];
  for (let at = height + 1; at <= certificate.chunk.height; at++) {
    const next = await store.certifiedAt(at);
    if (next === null) return null;
    above.push(next.signed.header);
  }
  return { chunk: { signed: chunk.signed, payload }, above, certificate };
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
