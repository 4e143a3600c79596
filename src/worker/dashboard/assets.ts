/**
 * The page's files, under addresses that hold the hash of what they serve: whoever has one has it for good.
 *
 * The build bundles them as text modules, since a Worker on raw workerd has no files to serve.
 */

import script from "../../../build/dashboard/main.txt";
import style from "../../../build/dashboard/style.txt";
import verifier from "../../../build/dashboard/verifier.txt";
import type { AssetPaths } from "./page.ts";

export type Asset = { readonly body: string; readonly type: string; readonly hash: string };

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">' +
  '<rect width="20" height="20" rx="4" fill="#15181d"/>' +
  '<path d="M5 15 15 5" stroke="#54d3a0" stroke-width="2"/>' +
  '<circle cx="5" cy="15" r="2.5" fill="#fff"/><circle cx="15" cy="5" r="2.5" fill="#fff"/></svg>';

const JAVASCRIPT = "text/javascript; charset=utf-8";
const FILES = [
  { name: "script", body: script, end: "js", type: JAVASCRIPT },
  { name: "verifier", body: verifier, end: "js", type: JAVASCRIPT },
  { name: "style", body: style, end: "css", type: "text/css; charset=utf-8" },
  { name: "icon", body: ICON, end: "svg", type: "image/svg+xml" },
] as const;

export type Assets = {
  readonly paths: AssetPaths;
  readonly byPath: ReadonlyMap<string, Asset>;
};

export const ASSETS_PREFIX = "/dashboard/";
/** Hex digits of SHA-256 in an address. */
const HASH_DIGITS = 20;

let known: Promise<Assets> | null = null;

/** Hashed once in an isolate: every request of one sees the same text. */
export function loadAssets(): Promise<Assets> {
  known ??= hashAll();
  return known;
}

async function hashAll(): Promise<Assets> {
  const byPath = new Map<string, Asset>();
  const paths = { script: "", verifier: "", style: "", icon: "" };
  for (const { name, body, end, type } of FILES) {
    const hash = await hashOf(body);
    const path = `${ASSETS_PREFIX}${name}.${hash}.${end}`;
    paths[name] = path;
    byPath.set(path, { body, type, hash });
  }
  return { paths, byPath };
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .slice(0, HASH_DIGITS);
}
