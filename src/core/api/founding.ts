/**
 * The JSON bodies of a founding (C9): what the operator asks for, and what members of other deployments
 * answer. Unknown fields are ignored, as in every request (I1).
 */

import { MEMBERS_MAX, SCHEME_PARAMETERS, type SchemeId } from "../consensus/types.ts";
import { fromHex } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import type { FoundingOrder, KeyCard } from "./committee-api.ts";
import { JsonReader } from "./json-reader.ts";
import { badRequest, type Rejection } from "./rejection.ts";

const badOrder: Rejection = badRequest("expected a founding order");
const HEX = /^0x(?:[0-9a-f]{2})*$/;

/** An empty body orders the default. */
export function parseFoundingOrder(text: string): Result<FoundingOrder, Rejection> {
  if (text.trim() === "") return ok({ quorum: null, scheme: null, tokens: {} });
  const reader = new JsonReader(text);
  const tokens = new Map<string, string>();
  let quorum: number | null = null;
  let scheme: SchemeId | null = null;
  const isObject = reader.object((name) => {
    switch (name) {
      case "quorum":
        quorum = reader.unsigned(MEMBERS_MAX);
        return quorum !== null;
      case "scheme":
        scheme = schemeOf(reader.string());
        return scheme !== null;
      case "tokens":
        return reader.object((endpoint) => {
          const token = reader.string();
          if (token === null) return false;
          tokens.set(endpoint, token);
          return true;
        });
      default:
        return reader.skip();
    }
  });
  if (!isObject || !reader.atEnd()) return err(badOrder);
  return ok({ quorum, scheme, tokens: Object.fromEntries(tokens) });
}

/** Null when it is none. */
export function parseKeyCard(text: string): KeyCard | null {
  const reader = new JsonReader(text);
  const texts = new Map<string, string>();
  let generation: number | null = null;
  const isObject = reader.object((name) => {
    if (name === "generation") {
      generation = reader.unsigned(Number.MAX_SAFE_INTEGER);
      return generation !== null;
    }
    if (!["key", "proof", "scheme"].includes(name)) return reader.skip();
    const value = reader.string();
    if (value !== null) texts.set(name, value);
    return value !== null;
  });
  const scheme = schemeOf(texts.get("scheme") ?? null);
  const [key, proof] = [texts.get("key") ?? "", texts.get("proof") ?? ""];
  if (!isObject || !reader.atEnd() || scheme === null || generation === null) return null;
  return HEX.test(key) && HEX.test(proof) ? { key, proof, scheme, generation } : null;
}

/** The bytes of `{signature}`; null when it is none. */
export function parseSignature(text: string): Uint8Array | null {
  const reader = new JsonReader(text);
  let signature: string | null = null;
  const isObject = reader.object((name) => {
    if (name !== "signature") return reader.skip();
    signature = reader.string();
    return signature !== null;
  });
  const hex: string = signature ?? "";
  return isObject && reader.atEnd() && HEX.test(hex) ? fromHex(hex) : null;
}

function schemeOf(text: string | null): SchemeId | null {
  const known: readonly SchemeId[] = ["p256", "ed25519", "bls12381"];
  return known.find((scheme) => scheme === text && scheme in SCHEME_PARAMETERS) ?? null;
}
