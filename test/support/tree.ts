/** The repository's own files as text, for the tests that keep the house in order. */

import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Names that git ignores; patterns with a wildcard match by their ending. */
const ignored = readFileSync(join(root, ".gitignore"), "utf8")
  .split("\n")
  .filter((line) => line !== "");

function isIgnored(name: string): boolean {
  return ignored.some((one) => (one.startsWith("*") ? name.endsWith(one.slice(1)) : name === one));
}

/** Paths of all files under `folder`, relative to the repository, in a stable order. */
export function filesUnder(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.name !== ".git" && !isIgnored(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = normalize(join(folder, entry.name));
      return entry.isDirectory() ? filesUnder(path) : [path];
    });
}

export function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** A string, a template or a regular expression (group 1), or else a comment. */
const LITERAL_OR_COMMENT =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[(,=:[!&|?{};]\s*|return )\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/)|\/\*[\s\S]*?\*\/|\/\/.*$/gm;

/** TypeScript without its comments; lines keep their numbers. */
export function codeOf(file: string): string {
  return textOf(file).replaceAll(LITERAL_OR_COMMENT, (match, literal?: string) =>
    literal === undefined ? match.replaceAll(/[^\n]/g, "") : match,
  );
}

/** `codeOf` without what its templates say: a generated program is text, not code of ours. */
export function ownCodeOf(file: string): string {
  return codeOf(file).replaceAll(/`(?:\\.|[^`\\])*`/g, "``");
}

/** What `file` imports, as written: `./x.ts`, `viem`, `node:fs`. */
export function importsOf(file: string): readonly string[] {
  return [...ownCodeOf(file).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );
}

/** 1-based numbers of the lines of `text` that match, as `file:line`. */
export function linesMatching(file: string, text: string, pattern: RegExp): readonly string[] {
  return text
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : []));
}
