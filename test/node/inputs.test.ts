/** Builds that others may be using: which result stays. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { replaceFolder, stampOf } from "../../scripts/inputs.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-inputs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function build(name: string, hash: string): string {
  const made = join(folder, name);
  mkdirSync(made);
  writeFileSync(join(made, "by"), name);
  writeFileSync(stampOf(made), hash);
  return made;
}

test.each([
  ["takes the place of none", null, "second"],
  ["takes the place of one of other inputs", "old", "second"],
  ["leaves one of equal inputs to whoever uses it", "new", "target"],
])("a build %s", (_, before, by) => {
  const target = join(folder, "target");
  if (before !== null) build("target", before);
  replaceFolder(build("second", "new"), target, "new");
  expect(readFileSync(join(target, "by"), "utf8")).toBe(by);
  expect(readFileSync(stampOf(target), "utf8")).toBe("new");
  expect(readdirSync(folder)).toEqual(["target"]);
});
