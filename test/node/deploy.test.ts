/** `npm run deploy`: what it asks of wrangler, in which order, and when it stops. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NOT_WELL, WELL } from "../../scripts/deploy/run.ts";
import { CHECKS, DeployWorld, NO_WORKER, SECRETS, UPLOAD, VARS } from "../support/deploy-world.ts";

let world: DeployWorld;

beforeEach(async () => {
  world = await DeployWorld.open();
});
afterEach(() => world.close());

describe("a deployment that has everything", () => {
  test("is checked, dry-run, uploaded, waited for, and shown to the doctor", async () => {
    world.readiness = [503, 503, 503, 200];
    expect(await world.run()).toBe(WELL);
    expect(world.commands()).toEqual([...CHECKS, UPLOAD]);
    expect(world.doctor().argv).toEqual([world.url]);
    expect(world.said).toContain("starting");
    expect(world.said.at(-1)).toBe("deployed, and well");
  });

  test("ends before the upload as a dry run", async () => {
    expect(await world.run({}, { dryRun: true })).toBe(WELL);
    expect(world.commands()).toEqual(CHECKS);
  });

  test("is uploaded when its name confirms it", async () => {
    expect(await world.run({ typed: ["baton-staging"] }, { yes: false })).toBe(WELL);
    expect(world.commands()).toContain(UPLOAD);
  });

  test.each([
    { what: "another word", typed: ["yes"], says: "not confirmed" },
    { what: "nobody", typed: undefined, says: "--yes" },
  ])("is not uploaded when $what confirms it", async ({ typed, says }) => {
    const given = typed === undefined ? {} : { typed };
    expect(await world.failure(given, { yes: false })).toContain(says);
    expect(world.commands()).toEqual(CHECKS);
  });
});

describe("what stops it before anything is changed", () => {
  test.each([
    { what: "no login", failing: "whoami", says: "wrangler login", after: 1 },
    { what: "no answer about secrets", failing: "secret list", says: "--first", after: 2 },
    {
      what: "a failed dry run",
      failing: "deploy --dry-run",
      says: "dry run failed",
      after: 3,
    },
  ])("$what", async ({ failing, says, after }) => {
    const said = await world.failure({
      answers: { [failing]: { status: 1, stderr: "the reason" } },
    });
    expect(said).toContain(says);
    expect(said).toContain("the reason");
    expect(world.commands()).toEqual(CHECKS.slice(0, after));
  });

  test("a Worker that is there, when it is said to be the first", async () => {
    expect(await world.failure({ env: SECRETS }, { first: true })).toContain("leave --first out");
    expect(world.puts()).toEqual({});
  });

  test("everything that is missing, in one list, where nobody can be asked", async () => {
    const { SEQ_APP_ADDRESS: _, ...vars } = VARS;
    const given = {
      vars: { ...vars, SEQ_CHAIN_ID: "31337", SEQ_SECONDS_PER_BLOCK: "0" },
      answers: { "secret list": NO_WORKER },
      env: { SEQ_ETH_RPC_URL: SECRETS.SEQ_ETH_RPC_URL },
    };
    expect((await world.failure(given, { first: true })).split("\n  ")).toEqual([
      "[env.staging.vars] of wrangler.toml:",
      "SEQ_APP_ADDRESS is required",
      "SEQ_SECONDS_PER_BLOCK must be at least 1",
      expect.stringContaining("SEQ_MAX_BATCH_OPEN_SECONDS"),
      "SEQ_CHAIN_ID is a development chain's",
      "secrets that the environment must have:",
      "SEQ_BATCH_SUBMITTER_PRIVATE_KEY",
      "SEQ_OPERATOR_TOKEN",
    ]);
  });

  test("addresses that would be the development chain's by default", async () => {
    const { SEQ_ERC20_TOKEN_ADDRESS: _, ...vars } = VARS;
    expect(await world.failure({ vars })).toContain("SEQ_ERC20_TOKEN_ADDRESS is required");
  });

  test.each<{ readonly what: string; readonly manifest: (text: string) => string }>([
    {
      what: "it does not bind RELAY",
      manifest: (text) =>
        text.replace(
          '[[env.staging.durable_objects.bindings]]\nname = "RELAY"\nclass_name = "Relay"\n',
          "",
        ),
    },
    {
      what: "no migration makes Relay",
      manifest: (text) => text.replace('sqlite_classes = ["Relay"]', "sqlite_classes = []"),
    },
    {
      what: "it needs the cron",
      manifest: (text) => text.replace('crons = ["* * * * *"]', "crons = []"),
    },
    {
      what: "it needs a name of its own",
      manifest: (text) => text.replace('name = "baton-staging"', 'name = "baton"'),
    },
    {
      what: "SEQ_OPERATOR_TOKEN is a secret",
      manifest: (text) =>
        text.replace("[env.staging.vars]", '[env.staging.vars]\nSEQ_OPERATOR_TOKEN = "x"'),
    },
    {
      what: "wrangler.toml has no [env.staging]",
      manifest: (text) => text.replaceAll("env.staging", "env.elsewhere"),
    },
  ])("$what", async ({ what, manifest }) => {
    expect(await world.failure({ manifest })).toContain(what);
    expect(world.calls()).toEqual([]);
  });
});

describe("what shows only afterwards", () => {
  test("a Worker that does not get ready", async () => {
    world.readiness = [503];
    expect(await world.run({}, { waitMs: 100 })).toBe(NOT_WELL);
    expect(world.said.at(-1)).toContain("not ready after 0.1 s");
  });

  test("a doctor that finds something", async () => {
    expect(await world.run({ doctorStatus: 2 })).toBe(NOT_WELL);
    expect(world.said.at(-1)).toContain("the doctor found something");
  });

  test("an upload that fails", async () => {
    const answers = { "deploy --env": { status: 1, stderr: "too large" } };
    expect(await world.failure({ answers })).toContain("too large");
  });

  test("a domain of one's own, which only its owner knows", async () => {
    const targets = ["example.com/*"];
    const answers = { "deploy --env": { report: { type: "deploy", version: 1, targets } } };
    expect(await world.run({ answers })).toBe(NOT_WELL);
    expect(world.said.at(-1)).toContain("--url");
    expect(await world.run({ answers }, { url: `${world.url}/` })).toBe(WELL);
  });
});
