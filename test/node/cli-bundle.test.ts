/** The program as an installed package has it: one bundle, which starts by itself and completes words. */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCli } from "../../scripts/build-cli.ts";
import { ROOT } from "../../scripts/inputs.ts";

/** Far from the repository, so that nothing of it is found. */
let folder: string;
let program: string;

beforeAll(async () => {
  await buildCli();
  folder = mkdtempSync(join(tmpdir(), "baton-package-"));
  cpSync(join(ROOT, "build", "cli"), join(folder, "build", "cli"), { recursive: true });
  program = join(folder, "build", "cli", "baton.js");
});
afterAll(() => rmSync(folder, { recursive: true }));

function baton(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    cwd: folder,
    env: { PATH: process.env["PATH"] },
  });
}

test("the package's bin is the bundle, and it is packed", () => {
  const { bin, files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  expect(bin).toEqual({ baton: "build/cli/baton.js" });
  expect(files).toEqual(expect.arrayContaining(["build/cli", "build/wasm"]));
  expect(existsSync(join(ROOT, bin.baton))).toBe(true);
  expect(readFileSync(program, "utf8").startsWith("#!/usr/bin/env node\n")).toBe(true);
});

test("it runs without its packages, and says what needs a checkout", () => {
  expect(baton("--help").status).toBe(0);
  const failed = baton("status", "http://127.0.0.1:9", "--json");
  expect([failed.status, JSON.parse(failed.stdout)]).toEqual([
    1,
    { command: "status", error: "GET /overview: the sequencer cannot be reached" },
  ]);
  const dev = baton("dev");
  expect([dev.status, dev.stderr]).toEqual([
    1,
    "baton dev needs a checkout of the repository: clone it and run npm start there\n",
  ]);
});

describe("completion", () => {
  test.each(["bash", "zsh", "fish"])("%s gets a script that asks the program", (shell) => {
    const ran = baton("complete", shell);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toMatch(/baton complete --/);
  });

  const said = (...words: string[]) =>
    baton("complete", "--", ...words)
      .stdout.split("\n")
      .flatMap((line) => (/^[:]?$|^:\d/.test(line) ? [] : [line.split("\t")[0]]));

  test.each(["bash", "zsh"])("%s takes its script", (shell) => {
    const has = spawnSync(shell, ["-c", "exit 0"]).status === 0;
    if (!has) return;
    const { stdout } = baton("complete", shell);
    expect(spawnSync(shell, ["-n"], { input: stdout, encoding: "utf8" }).stderr).toBe("");
  });

  test("of commands, of theirs, of flags and of their values", () => {
    expect(said("s")).toEqual(["status", "send"]);
    expect(said("conductor", "")).toEqual(["status", "members", "pause", "resume", "stop", "help"]);
    expect(said("send", "--wit")).toEqual(["--withdraw"]);
    expect(said("send", "--wait", "")).toEqual(["ordered", "certified", "posted", "settled"]);
    expect(said("verify", "--rpc-url", "")).toEqual([]);
  });
});
