/** `baton-sequencer/client` as others get it: packed, linted as a package, typed, bundled, weighed. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { buildCli } from "../../scripts/build-cli.ts";
import { buildWorkerLibrary } from "../../scripts/build-worker-library.ts";
import { ROOT } from "../../scripts/inputs.ts";
import { must } from "../../src/core/types/assert.ts";
import { textOf } from "../support/tree.ts";

/** Bytes, minified and compressed. Whoever makes the client heavier says so here. */
const CLIENT_MAX = 15_000;
const ALL_MAX = 64_000;

/** The code of the guide, as one program. */
const GUIDE = [...textOf("docs/sdk.md").matchAll(/^```ts\n(.*?)^```/gms)]
  .map((match) => match[1] ?? "")
  .join("\n");

/** A project with the package installed, and nothing else of this repository. */
const project = mkdtempSync(join(tmpdir(), "baton-sdk-"));
const installed = join(project, "node_modules", "baton-sequencer");

beforeAll(async () => {
  buildWorkerLibrary();
  await buildCli();
  run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", project], ROOT);
  const tarball = must(
    readdirSync(project).find((name) => name.endsWith(".tgz")),
    "it is packed",
  );
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", join(project, tarball), "--strip-components=1", "-C", installed], project);
  for (const name of ["@noble", "@types", "viem"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name));
  }
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
}, 300_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${stdout}${stderr}`);
  return stdout;
}

type Bundle = { readonly bytes: number; readonly metafile: Metafile };

/** For a browser; bytes minified and compressed. */
async function bundle(source: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: project },
    ...{ bundle: true, minify: true, format: "esm", platform: "browser", logLevel: "silent" },
    ...{ write: false, metafile: true },
  });
  const [file] = outputFiles;
  return { bytes: gzipSync(must(file, "there is a bundle").contents).length, metafile };
}

describe("the package", () => {
  test("has nothing that publint would change", async () => {
    const { messages, pkg } = await publint({ pkgDir: installed, pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
  });

  test("is an ES module without side effects, with types beside it", () => {
    const { types, default: entry } = manifest.exports["./client"];
    expect([manifest.type, manifest.sideEffects]).toEqual(["module", false]);
    expect([types, entry].map((path) => path.startsWith("./build/library/sdk/index."))).toEqual([
      true,
      true,
    ]);
  });

  test.each(["nodenext", "bundler"])(
    "is what the guide says it is: its code compiles under %s, with accounts of viem",
    (how) => {
      writeFileSync(join(project, "program.ts"), GUIDE);
      const module = how === "bundler" ? "preserve" : how;
      const flags = [
        "--strict",
        "--noEmit",
        "--target",
        "es2024",
        "--types",
        "node",
        "--skipLibCheck",
      ];
      const resolution = ["--module", module, "--moduleResolution", how, "--lib", "es2024,dom"];
      expect(run("tsc", [...flags, ...resolution, "program.ts"], project)).toBe("");
    },
  );

  test("runs in Node as it is", () => {
    const source = `
      import { createClient, BatonError } from "baton-sequencer/client";
      const client = createClient({ url: "http://127.0.0.1:1/", retry: { attemptsMax: 1 } });
      const error = await client.fee().catch((reason) => reason);
      console.log(client.url, error instanceof BatonError, error.code);
    `;
    writeFileSync(join(project, "program.mjs"), source);
    const said = run(process.execPath, ["program.mjs"], project);
    expect(said).toBe("http://127.0.0.1:1 true UNREACHABLE\n");
  });
});

describe("in a browser's bundle", () => {
  test("the client alone is small, and brings no curve", async () => {
    const { bytes, metafile } = await bundle(
      'import { createClient } from "baton-sequencer/client"; globalThis.baton = createClient;',
    );
    console.log(`createClient alone: ${bytes} bytes, minified and compressed`);
    expect(bytes).toBeLessThan(CLIENT_MAX);
    const inputs = Object.keys(Object.values(metafile.outputs)[0]?.inputs ?? {});
    expect(inputs.filter((path) => path.includes("@noble/curves"))).toEqual([]);
  });

  test("everything, receipts under all three schemes included, has its bound too", async () => {
    const { bytes, metafile } = await bundle(
      'import * as baton from "baton-sequencer/client"; globalThis.baton = baton;',
    );
    console.log(`all of baton-sequencer/client: ${bytes} bytes, minified and compressed`);
    expect(bytes).toBeLessThan(ALL_MAX);
    // The package's own files and the curves: nothing of a platform's, which would not have bundled.
    const foreign = Object.keys(metafile.inputs).filter(
      (path) =>
        !/<stdin>|baton-sequencer\/build\/library\/(?:sdk|core|crypto)\/|@noble\//.test(path),
    );
    expect(foreign).toEqual([]);
  });

  test("an unused import weighs nothing", async () => {
    expect(
      (await bundle('import { createClient } from "baton-sequencer/client";')).bytes,
    ).toBeLessThan(100);
  });
});
