/** The text that configures workerd: what is in it, and what must never be. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { splitSecrets } from "../../src/local/variables.ts";
import { OBJECTS } from "../../src/local/workerd.ts";
import { formatWorkerdConfig, type WorkerdConfig } from "../../src/local/workerd-config.ts";

const config: WorkerdConfig = {
  compatibilityDate: "2026-10-23",
  httpAddress: "127.0.0.1:3000",
  modules: [
    { name: "abc-curve.wasm", path: "../dist/abc-curve.wasm" },
    { name: "index.js", path: "../dist/index.js" },
    { name: "def-0001_a.sql", path: "../dist/def-0001_a.sql" },
  ],
  variables: { SEQ_CHAIN_ID: "31337" },
  secrets: ["SEQ_OPERATOR_TOKEN"],
  objects: OBJECTS,
  objectsPath: "/data/objects",
};

describe("the configuration of workerd", () => {
  test("names secrets and leaves their values to the environment", () => {
    const { variables, secrets } = splitSecrets({
      SEQ_CHAIN_ID: "31337",
      SEQ_BATCH_SUBMITTER_PRIVATE_KEY: "the-key",
      SEQ_OPERATOR_TOKEN: "the-token",
      SEQ_ETH_RPC_URL: "http://user-key.example",
    });
    const text = formatWorkerdConfig({ ...config, variables, secrets: Object.keys(secrets) });
    for (const value of Object.values(secrets)) expect(text).not.toContain(value);
    expect(secrets).toEqual({
      SEQ_BATCH_SUBMITTER_PRIVATE_KEY: "the-key",
      SEQ_OPERATOR_TOKEN: "the-token",
      SEQ_ETH_RPC_URL: "http://user-key.example",
    });
    for (const name of Object.keys(secrets)) {
      expect(text).toContain(`(name = "${name}", fromEnvironment = "${name}")`);
    }
    expect(text).toContain('(name = "SEQ_CHAIN_ID", text = "31337")');
  });

  test("puts the entry module first and names the others as they are imported", () => {
    const modules = formatWorkerdConfig(config).match(/\(name = "[^"]+", \w+ = embed "[^"]+"\)/g);
    expect(modules).toEqual([
      '(name = "index.js", esModule = embed "../dist/index.js")',
      '(name = "./abc-curve.wasm", wasm = embed "../dist/abc-curve.wasm")',
      '(name = "./def-0001_a.sql", text = embed "../dist/def-0001_a.sql")',
    ]);
  });

  test("a value cannot end its literal", () => {
    const text = formatWorkerdConfig({ ...config, variables: { SEQ_X: 'a"), (b\\\n\u00e9' } });
    expect(text).toContain('(name = "SEQ_X", text = "a\\x22), (b\\x5c\\x0a\\xc3\\xa9")');
  });

  test("binds the objects that wrangler.toml binds, each to a folder of its own", () => {
    const wrangler = readFileSync(join(import.meta.dirname, "../../wrangler.toml"), "utf8");
    const binding =
      /^\[\[((?:env\.\w+\.)?)durable_objects\.bindings\]\]\nname = "(\w+)"\nclass_name = "(\w+)"$/gm;
    const bound = [...wrangler.matchAll(binding)];
    for (const where of ["", "env.staging.", "env.production."]) {
      expect(OBJECTS.map((object) => [where, object.binding, object.className])).toEqual(
        bound.filter((match) => match[1] === where).map((match) => match.slice(1)),
      );
    }
    expect(new Set(OBJECTS.map(({ uniqueKey }) => uniqueKey)).size).toBe(OBJECTS.length);
    expect(formatWorkerdConfig(config)).toContain(
      '(className = "Sequencer", uniqueKey = "baton-sequencer-v1", enableSql = true)',
    );
  });
});
