/** Secrets and variables of a deployment: where they come from, where they go, and who never sees them. */

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WELL } from "../../scripts/deploy/run.ts";
import { withoutSecrets } from "../../scripts/deploy/secrets.ts";
import { CHECKS, DeployWorld, NO_WORKER, SECRETS, UPLOAD, VARS } from "../support/deploy-world.ts";

const { SEQ_ETH_RPC_URL: RPC_URL, SEQ_BATCH_SUBMITTER_PRIVATE_KEY: KEY } = SECRETS;
const FIRST = { answers: { "secret list": NO_WORKER } };

let world: DeployWorld;

beforeEach(async () => {
  world = await DeployWorld.open();
});
afterEach(() => world.close());

describe("secrets", () => {
  test("are taken out of what other programs are given", () => {
    const env = { PATH: "/bin", SEQ_HTTP_ADDR: "x", ...SECRETS };
    expect(withoutSecrets(env)).toEqual({ PATH: "/bin", SEQ_HTTP_ADDR: "x" });
  });

  test("go from the environment to wrangler by its input, before the upload, and nowhere else", async () => {
    expect(await world.run({ ...FIRST, env: SECRETS }, { first: true })).toBe(WELL);
    expect(world.puts()).toEqual(SECRETS);
    expect(world.commands().at(-1)).toBe(UPLOAD);
    for (const value of Object.values(SECRETS)) {
      expect(JSON.stringify(world.calls().map(({ argv }) => argv))).not.toContain(value);
      expect(world.said.join("\n")).not.toContain(value);
    }
    expect(world.doctor().env).toMatchObject({ SEQ_ETH_RPC_URL: RPC_URL });
    expect(JSON.stringify(world.doctor())).not.toContain(KEY);
  });

  test("are asked for, made when nothing is typed, and kept for their owner", async () => {
    const vars = { ...VARS, SEQ_CANDIDATES: "a=object:sequencer/a" };
    const given = { ...FIRST, vars, typed: [RPC_URL, KEY, "", ""] };
    expect(await world.run(given, { first: true })).toBe(WELL);
    const puts = world.puts();
    expect(puts).toMatchObject({ SEQ_ETH_RPC_URL: RPC_URL, SEQ_BATCH_SUBMITTER_PRIVATE_KEY: KEY });
    for (const [name, shape] of [
      ["SEQ_OPERATOR_TOKEN", /^[0-9a-f]{64}$/],
      ["SEQ_VALIDATOR_KEK", /^0x[0-9a-f]{64}$/],
    ] as const) {
      const file = join(world.folder, "kept/staging", name);
      expect(puts[name]).toMatch(shape);
      expect(readFileSync(file, "utf8")).toBe(puts[name]);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(world.said.join("\n")).not.toContain(puts[name]);
    }
  });

  test("are not made up when only their owner has them", async () => {
    const given = { ...FIRST, typed: [RPC_URL, ""] };
    expect(await world.failure(given, { first: true })).toContain(
      "SEQ_BATCH_SUBMITTER_PRIVATE_KEY was not given",
    );
    expect(world.puts()).toEqual({});
  });

  test("that are wrong are told by name and never by value", async () => {
    const env = { ...SECRETS, SEQ_BATCH_SUBMITTER_PRIVATE_KEY: "0xnot-a-key" };
    expect(await world.failure({ ...FIRST, env }, { first: true })).toBe(
      "SEQ_BATCH_SUBMITTER_PRIVATE_KEY invalid private key",
    );
    expect(world.commands()).toEqual(CHECKS.slice(0, 2));
  });

  test("that are held already are left alone, whatever the environment has", async () => {
    expect(await world.run({ env: SECRETS })).toBe(WELL);
    expect(world.puts()).toEqual({});
  });

  test("are changed when that is asked for, and it can be done", async () => {
    const env = { SEQ_OPERATOR_TOKEN: "another" };
    expect(await world.run({ env }, { change: ["SEQ_OPERATOR_TOKEN"] })).toBe(WELL);
    expect(world.puts()).toEqual({ SEQ_OPERATOR_TOKEN: "another" });
  });

  test.each([
    { name: "SEQ_BATCH_SUBMITTER_PRIVATE_KEY", says: "another key is another rollup" },
    { name: "SEQ_CHAIN_ID", says: "is no secret" },
  ])("$name is not changed", async ({ name, says }) => {
    const env = { ...SECRETS, SEQ_CHAIN_ID: "1" };
    expect(await world.failure({ env }, { change: [name] })).toContain(says);
    expect(world.commands()).toEqual(CHECKS.slice(0, 2));
  });

  test("a put that fails stops before the upload", async () => {
    const answers = { ...FIRST.answers, "secret put SEQ_BATCH": { status: 1, stderr: "refused" } };
    expect(await world.failure({ answers, env: SECRETS }, { first: true })).toContain(
      "secret SEQ_BATCH_SUBMITTER_PRIVATE_KEY failed",
    );
    expect(world.commands()).not.toContain(UPLOAD);
  });
});

describe("variables", () => {
  const { SEQ_APP_ADDRESS: address, ...others } = VARS;

  test("are asked for until they are right, and written where the next deployment finds them", async () => {
    const vars = { ...others, SEQ_CHAIN_ID: "31337" };
    expect(await world.run({ vars, typed: ["0x12", address, "1"] })).toBe(WELL);
    const manifest = world.manifest();
    const table = manifest.split("[env.staging.vars]\n")[1]?.split("\n[")[0] ?? "";
    expect(table).toContain(`SEQ_APP_ADDRESS = "${address}"\n`);
    expect(table).toContain('SEQ_CHAIN_ID = "1"\n');
    expect(table.match(/^SEQ_CHAIN_ID/gm)).toHaveLength(1);
    expect(manifest.split("[env.production.vars]\n")[1]).toBe("");
    expect(await world.run({ manifest: () => manifest })).toBe(WELL);
  });

  test("nothing is written when the operator gives up", async () => {
    expect(await world.failure({ vars: others, typed: ["0x12", ""] })).toContain("given up");
    expect(world.manifest()).not.toContain("0x12");
  });
});
