/**
 * Messages as bytes, for a transport that crosses machines.
 *
 *     version u8 = 1 | kind u8 | fields       lists: count u8; payloads: length u32; options: 0 or 1 first
 *
 * Total and canonical: whatever is no encoding of a message is refused, and each message has one. That
 * a message is well formed says nothing about its truth.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { MESSAGE_BYTES_MAX } from "../core/api/committee-api.ts";
import { decodeAll, type FormatError, type FormatReader, u8 } from "../core/consensus/encoding.ts";
import { err, type Result } from "../core/types/result.ts";
import { CODECS, type Codec, type Kind, type MessageOf } from "./message-codecs.ts";
import type { Message } from "./messages.ts";

const VERSION = 1;

/** Asserts what every sender keeps: lists within their bounds, keys and signatures of their length. */
export function encodeMessage(message: Message): Uint8Array {
  const { tag } = CODECS[message.is];
  return concatBytes(u8(VERSION), u8(tag), encodeFields(message.is, message));
}

function encodeFields<K extends Kind>(kind: K, message: MessageOf<K>): Uint8Array {
  const { encode }: Codec<K> = CODECS[kind];
  return encode(message);
}

/** More than `MESSAGE_BYTES_MAX` bytes are none. */
export function decodeMessage(bytes: Uint8Array): Result<Message, FormatError> {
  return bytes.length > MESSAGE_BYTES_MAX ? err("length") : decodeAll(bytes, readMessage);
}

function readMessage(reader: FormatReader): Message {
  reader.version(VERSION);
  const codec = BY_TAG.get(reader.u8());
  if (codec !== undefined) return codec.read(reader);
  reader.fail("value");
  return NOTHING;
}

const BY_TAG = new Map(Object.values(CODECS).map((codec) => [codec.tag, codec] as const));

/** Stands where no message could be read, until the reader refuses the whole. */
const NOTHING: Message = { is: "transfer", candidate: null };
