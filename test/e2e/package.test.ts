/** A rollup in a repository of its own: the package as npm packs it, the example's files, and wrangler. */

import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { buildWorkerLibrary } from "../../scripts/build-worker-library.ts";
import { ROOT } from "../../scripts/inputs.ts";
import { TOOL_ENV } from "../../scripts/tool-env.ts";

/** What a template of wrangler's gives a new project, in short. */
const TSCONFIG = {
  compilerOptions: {
    ...{ target: "es2024", lib: ["es2024"], module: "preserve", moduleResolution: "bundler" },
    ...{ types: ["./worker-configuration.d.ts"], noEmit: true, strict: true, skipLibCheck: true },
    ...{ allowImportingTsExtensions: true, verbatimModuleSyntax: true },
  },
  include: ["*.ts"],
};

const folder = mkdtempSync(join(tmpdir(), "baton-package-"));
const installed = join(folder, "node_modules");

beforeAll(() => {
  buildWorkerLibrary();
  const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder];
  const tarball = run("npm", pack, ROOT).trim();
  const target = join(installed, manifest.name);
  mkdirSync(target, { recursive: true });
  run("tar", ["-xzf", join(folder, tarball), "--strip-components=1", "-C", target], folder);
  for (const name of ["@noble", "hono", "viem", "commander"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(installed, name));
  }
  for (const file of ["counter.ts", "index.ts", "wrangler.toml"]) {
    cpSync(join(ROOT, "examples/counter-app", file), join(folder, file));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What it said. Fails with it when the command does. */
function run(command: string, args: readonly string[], cwd = folder): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: TOOL_ENV,
  });
  expect(status, `${stdout}${stderr}`).toBe(0);
  return stdout;
}

describe("[X4] the packed package", () => {
  test("holds what its exports name", () => {
    const target = join(installed, manifest.name);
    const files = readdirSync(target, { recursive: true, encoding: "utf8" });
    const named = Object.values(manifest.exports).flatMap((entry) => Object.values(entry));
    expect(named.filter((path) => !files.includes(path.slice(2)))).toEqual([]);
    expect(files.filter((file) => /^(src|test|scripts)\//.test(file))).toEqual([]);
  });

  test("types a rollup against the platform's own types", () => {
    run("wrangler", ["types"]);
    run("tsc", ["-p", "tsconfig.json"]);
  });

  test("an application that forgets a method does not compile", () => {
    const wrong = `import { mount } from "baton-sequencer/worker";
import { counter } from "./counter.ts";
mount({ ...counter, genesis: () => ({}) });
`;
    writeFileSync(join(folder, "wrong.ts"), wrong);
    const { status, stdout } = spawnSync("tsc", ["-p", "tsconfig.json"], {
      ...{ cwd: folder, encoding: "utf8", env: TOOL_ENV },
    });
    rmSync(join(folder, "wrong.ts"));
    expect([status === 0, stdout]).toEqual([false, expect.stringContaining("wrong.ts(3,")]);
  });

  test("is bundled by wrangler, with its SQL and its WebAssembly", () => {
    run("wrangler", ["deploy", "--dry-run", "--outdir", "dist"]);
    const files = readdirSync(join(folder, "dist"));
    expect(files).toContain("index.js");
    expect(files.filter((file) => file.endsWith(".wasm"))).toHaveLength(2);
    expect(files.some((file) => file.endsWith("0001_batches.sql"))).toBe(true);
  });
});
