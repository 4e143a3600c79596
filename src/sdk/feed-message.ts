/** What the feed sends: a record, an array of them (F1), or a certificate (F2). Pure. */

import { recordOf } from "../core/feed/record.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import type { CertificateEvent, FeedEvent } from "./client-types.ts";
import { counterOf, objectOf, parseText, textOf } from "./json.ts";

/** Errors: what is wrong with the first event that is none. */
export function parseFeedMessage(text: string): Result<readonly FeedEvent[], string> {
  const value = parseText(text);
  const events: FeedEvent[] = [];
  for (const one of Array.isArray(value) ? value : [value]) {
    const event = eventOf(one);
    if (!event.ok) return event;
    events.push(event.value);
  }
  return ok(events);
}

function eventOf(value: unknown): Result<FeedEvent, string> {
  const isCertificate = objectOf(value)?.["kind"] === "certificate";
  return isCertificate ? certificateOf(value) : recordOf(value);
}

function certificateOf(value: unknown): Result<CertificateEvent, string> {
  const body = objectOf(value) ?? {};
  const [epoch, height] = [counterOf(body["epoch"]), counterOf(body["height"])];
  const nextOffset = counterOf(body["next_offset"]);
  const [chunk, certificate] = [textOf(body["chunk"]), textOf(body["certificate"])];
  if (epoch === null || height === null || nextOffset === null) return err("bad certificate");
  if (chunk === null || certificate === null) return err("bad certificate");
  return ok({ kind: "certificate", epoch, height, chunk, nextOffset, certificate });
}
