/** Parses the query parameters of the feed routes (F1, F5, F7) and the addresses of ops (I6). */

import { type Address, parseAddress } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import { U32_MAX } from "../types/units.ts";
import { badRequest, type Rejection } from "./rejection.ts";
import type { CertificatesQuery, FeedQuery } from "./sequencer-api.ts";

/** A parameter's first value, or null: `(name) => url.searchParams.get(name)`. */
export type QueryParameters = (name: string) => string | null;

/** F1: `era` is null when the reader does not say which history it followed. */
export type SubscribeQuery = {
  readonly fromOffset: number;
  readonly era: string | null;
  /** Whether to send arrays of records per frame. */
  readonly isBatched: boolean;
  /** Whether to send certificates too (C2); absent: no. */
  readonly wantsCertificates?: true;
};

/** C2: certificates of one page, when the query does not say, and at most. */
export const CERTIFICATES_LIMIT_DEFAULT: number = 64;
export const CERTIFICATES_LIMIT_MAX: number = 256;

/** F7: records of one page, when the query does not say. */
export const FEED_LIMIT_DEFAULT: number = 256;
/** F7: most records of one page. */
export const FEED_LIMIT_MAX: number = 1000;

const U64_MAX = 0xffff_ffff_ffff_ffffn;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function parseSubscribeQuery(query: QueryParameters): Result<SubscribeQuery, Rejection> {
  const cursor = parseCursor(query);
  if (!cursor.ok) return cursor;
  const batch = query("batch") ?? "0";
  if (batch !== "0" && batch !== "1") return err(badRequest("batch must be 0 or 1"));
  const wanted = query("certificates") === "1" ? ({ wantsCertificates: true } as const) : {};
  return ok({ ...cursor.value, isBatched: batch === "1", ...wanted });
}

/** `GET /certificates?after=H&limit=N`: from the beginning without `after`. */
export function parseCertificatesQuery(
  query: QueryParameters,
): Result<CertificatesQuery, Rejection> {
  const afterText = query("after");
  const after = afterText === null ? -1 : parseHeight(afterText);
  if (after === null) return err(badRequest("after must be a height"));
  const limit = parseUnsigned(query("limit") ?? `${CERTIFICATES_LIMIT_DEFAULT}`);
  if (limit === null || limit < 1n || limit > CERTIFICATES_LIMIT_MAX) {
    return err(badRequest(`limit must be an integer from 1 to ${CERTIFICATES_LIMIT_MAX}`));
  }
  return ok({ after, limit: Number(limit) });
}

/** A height of the log: a safe integer. Null when it is none. */
export function parseHeight(text: string): number | null {
  const value = parseUnsigned(text);
  return value === null || value > Number.MAX_SAFE_INTEGER ? null : Number(value);
}

/** `POST /tx?wait=certified` (C2). Error: another value. */
export function parseWait(query: QueryParameters): Result<boolean, Rejection> {
  const wait = query("wait");
  if (wait !== null && wait !== "certified") return err(badRequest("wait must be certified"));
  return ok(wait === "certified");
}

export function parseFeedQuery(query: QueryParameters): Result<FeedQuery, Rejection> {
  const cursor = parseCursor(query);
  if (!cursor.ok) return cursor;
  const limit = parseUnsigned(query("limit") ?? `${FEED_LIMIT_DEFAULT}`);
  if (limit === null || limit < 1n || limit > FEED_LIMIT_MAX) {
    return err(badRequest(`limit must be an integer from 1 to ${FEED_LIMIT_MAX}`));
  }
  return ok({ ...cursor.value, limit: Number(limit) });
}

/** The two parameters of `GET /tx/:sender/:nonce`. */
export function parseTransactionPath(
  senderText: string,
  nonceText: string,
): Result<{ readonly sender: Address; readonly nonce: number }, Rejection> {
  const sender = parseAddress(senderText);
  const nonce = parseUnsigned(nonceText);
  if (sender === null || nonce === null || nonce > U32_MAX) {
    return err(badRequest("expected /tx/<0x-prefixed 20-byte hex address>/<32-bit nonce>"));
  }
  return ok({ sender, nonce: Number(nonce) });
}

/** `GET /nonce?sender=`, with the wording of the N-version. */
export function parseSenderQuery(query: QueryParameters): Result<Address, Rejection> {
  const sender = parseAddress(query("sender") ?? "");
  if (sender !== null) return ok(sender);
  return err(badRequest("expected ?sender=<0x-prefixed 20-byte hex address>"));
}

type Cursor = { readonly fromOffset: number; readonly era: string | null };

function parseCursor(query: QueryParameters): Result<Cursor, Rejection> {
  const offset = parseUnsigned(query("from_offset") ?? "0");
  if (offset === null) return err(badRequest("from_offset must be an unsigned 64-bit integer"));
  const era = query("era")?.toLowerCase() ?? null;
  if (era !== null && !UUID.test(era)) return err(badRequest("era must be a UUID"));
  // Every offset is a safe integer (S7), so the greatest of those is beyond any head, and says
  // exactly what a greater cursor would: AHEAD_OF_HEAD.
  return ok({ fromOffset: Math.min(Number(offset), Number.MAX_SAFE_INTEGER), era });
}

/** A u64 in decimal digits. */
function parseUnsigned(text: string): bigint | null {
  if (!/^[0-9]{1,20}$/.test(text)) return null;
  const value = BigInt(text);
  return value <= U64_MAX ? value : null;
}
