/** The data directory: one runner, whole files, secrets for their owner. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataDir, dataDirOf, writeWhole } from "../../src/local/data-dir.ts";

let folder: string;
let dataDir: DataDir;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-data-"));
  dataDir = DataDir.open(join(folder, "data"));
});

afterEach(() => {
  dataDir.close();
  rmSync(folder, { recursive: true, force: true });
});

const modeOf = (file: string) => statSync(file).mode & 0o777;

test("belongs to one runner at a time", () => {
  expect(() => DataDir.open(dataDir.path)).toThrow(/^another runner is using [^\n]*data$/);
  dataDir.close();
  dataDir = DataDir.open(dataDir.path);
});

test("a path that is a file is refused in a line", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => DataDir.open(join(folder, "file"))).toThrow(/^the data directory cannot be used/);
});

test("a folder that is full of something else is refused, and stays as it is", () => {
  const home = join(folder, "home");
  mkdirSync(join(home, "objects"), { recursive: true });
  writeFileSync(join(home, "objects", "picture"), "mine");
  expect(() => DataDir.open(home)).toThrow(/^the data directory cannot be used: [^\n]*home holds/);
  expect(readdirSync(home)).toEqual(["objects"]);
});

test("an empty folder is taken, and one that was used before, whatever was put beside", () => {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  DataDir.open(empty).close();
  writeFileSync(join(empty, "notes.txt"), "mine");
  DataDir.open(empty).close();
});

test.each([
  [undefined, "sequencer-data"],
  ["", "sequencer-data"],
  [" ", "sequencer-data"],
  [" /tmp/x ", "/tmp/x"],
])("SEQ_DATA_DIR=%j is %s: blank is unset, and never the folder one is in", (value, path) => {
  expect(dataDirOf({ SEQ_DATA_DIR: value })).toBe(path);
});

test("the operator token is made once, is long, and is the owner's alone", async () => {
  const token = await dataDir.operatorToken();
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  expect(await dataDir.operatorToken()).toBe(token);
  expect(modeOf(dataDir.file("operatorToken"))).toBe(0o600);
  expect(modeOf(dataDir.path)).toBe(0o700);
  dataDir.clear();
  expect(await dataDir.operatorToken()).not.toBe(token);
});

test("beginning anew removes what a runner wrote and nothing else", async () => {
  await writeWhole(dataDir.file("chain"), "{}");
  mkdirSync(join(dataDir.file("objects"), "class"), { recursive: true });
  writeFileSync(join(dataDir.file("objects"), "class", "a.sqlite"), "");
  writeFileSync(join(dataDir.path, "notes.txt"), "mine");
  expect(dataDir.hasDatabase()).toBe(true);
  dataDir.clear();
  expect(dataDir.hasDatabase()).toBe(false);
  expect(existsSync(dataDir.file("chain"))).toBe(false);
  expect(readdirSync(dataDir.path).filter((name) => !name.startsWith("lock"))).toEqual([
    "notes.txt",
  ]);
});

test("a file is replaced as a whole and is the owner's alone", async () => {
  const file = join(dataDir.path, "whole");
  await writeWhole(file, "old and long");
  await writeWhole(file, "new");
  expect(readFileSync(file, "utf8")).toBe("new");
  expect(modeOf(file)).toBe(0o600);
  expect(existsSync(`${file}.new`)).toBe(false);
});
