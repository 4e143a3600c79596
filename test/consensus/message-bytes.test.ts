/** Messages as bytes: every kind comes back as it was, and nothing else is taken for one. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../../src/consensus/message-bytes.ts";
import { CODECS } from "../../src/consensus/message-codecs.ts";
import { MESSAGE_BYTES_MAX } from "../../src/core/api/committee-api.ts";
import { BLOB_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { KINDS, messages, messagesOf } from "../support/message-arbitraries.ts";
import { size } from "../support/size.ts";

describe.each(KINDS)("a message %s", (kind) => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(messagesOf(kind), (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
      }),
      { numRuns: size(25, 500) },
    );
  });

  test("is refused when it ends early or goes on", () => {
    fc.assert(
      fc.property(messagesOf(kind), fc.nat(), (message, cut) => {
        const bytes = encodeMessage(message);
        expect(decodeMessage(bytes.subarray(0, cut % bytes.length)).ok).toBe(false);
        expect(decodeMessage(Uint8Array.of(...bytes, 0)).ok).toBe(false);
      }),
      { numRuns: size(25, 500) },
    );
  });
});

test("every kind has a tag of its own", () => {
  const tags = Object.values(CODECS).map(({ tag }) => tag);
  expect(new Set(tags).size).toBe(tags.length);
  expect(Object.keys(CODECS).sort()).toEqual([...KINDS].sort());
});

test("whatever bytes are taken are the one encoding of what they say", () => {
  const changed = fc.tuple(messages, fc.nat(), fc.nat({ max: 255 })).map(([message, at, byte]) => {
    const bytes = encodeMessage(message);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 400 })), (bytes) => {
      const decoded = decodeMessage(bytes);
      if (decoded.ok) expect(encodeMessage(decoded.value)).toEqual(bytes);
    }),
    { numRuns: size(500, 20_000) },
  );
});

test("another version, an unknown kind and a length beyond the bytes are refused", () => {
  const bytes = encodeMessage({ is: "transfer", candidate: null });
  expect(decodeMessage(bytes).ok).toBe(true);
  expect(decodeMessage(Uint8Array.of(2, ...bytes.slice(1)))).toEqual({ ok: false, error: "value" });
  expect(decodeMessage(Uint8Array.of(1, 0, ...bytes.slice(2))).ok).toBe(false);
  expect(decodeMessage(Uint8Array.of(1, 29, 0)).ok).toBe(false);
  expect(decodeMessage(new Uint8Array(0)).ok).toBe(false);
});

test("a payload has at most 1 MiB, and a message 4", () => {
  const [message] = fc.sample(messagesOf("chunks"), { numRuns: 1, seed: 1 });
  if (message?.is !== "chunks") throw new Error("a message of that kind");
  const [chunk] = fc.sample(
    messagesOf("chunks").filter((one) => one.is === "chunks" && one.chunks.length > 0),
    { numRuns: 1, seed: 1 },
  );
  if (chunk?.is !== "chunks") throw new Error("one with a chunk");
  const withPayload = (bytes: number) => ({
    ...chunk,
    chunks: chunk.chunks.slice(0, 1).map((one) => ({ ...one, payload: new Uint8Array(bytes) })),
  });
  expect(decodeMessage(encodeMessage(withPayload(BLOB_BYTES_MAX))).ok).toBe(true);
  expect(decodeMessage(encodeMessage(withPayload(BLOB_BYTES_MAX + 1))).ok).toBe(false);
  expect(decodeMessage(new Uint8Array(MESSAGE_BYTES_MAX + 1)).ok).toBe(false);
});
