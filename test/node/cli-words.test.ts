/** Every command: its help, its exit codes, its JSON; and what is never taken from a command line. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/inputs.ts";
import { runCommand } from "../support/command.ts";

const NOBODY = "http://127.0.0.1:9";
const KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

const COMMANDS = [
  ...[["dev"], ["status"], ["doctor"], ["send"], ["deposit"], ["follow"], ["bench"], ["transfer"]],
  ...[
    ["conductor", "status"],
    ["conductor", "members"],
    ["conductor", "pause"],
  ],
  ...[["conductor", "resume"], ["conductor", "stop"], ["flush"], ["verify"], ["verify-receipt"]],
  ["rebuild"],
];

describe("help", () => {
  test("lists every command", async () => {
    const { stdout } = await runCommand(["--help"]);
    for (const [name] of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    expect(stdout).toMatch(/^ {2}complete\b/m);
  });

  test.each(COMMANDS.map((words) => [words.join(" ")]))(
    "of %s tells --json and every exit code",
    async (words) => {
      const args = words.split(" ");
      const ran = await runCommand([...args, "--help"]);
      expect([ran.exitCode, ran.stderr]).toEqual([0, ""]);
      expect(ran.stdout).toContain("--json");
      expect(ran.stdout).toMatch(/^Exit code: 0 [^\n]+, 1 [^\n]+\.$/m);
    },
  );
});

describe("docs/cli.md", () => {
  const page = readFileSync(join(ROOT, "docs", "cli.md"), "utf8");

  test.each(COMMANDS.map((words) => [words.join(" ")]))(
    "tells the options and exit codes of %s as its help does",
    async (words) => {
      const row = page.split("\n").find((line) => line.startsWith(`| \`${words}\` |`)) ?? "";
      const { stdout } = await runCommand([...words.split(" "), "--help"]);
      const options = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
      const told = [...row.matchAll(/`(--[a-z-]+)`/g)].map(([, option]) => option);
      expect(told.toSorted()).toEqual(options.filter((one) => one !== "--json").toSorted());
      expect(row).toContain(/^Exit code: (.*)\.$/m.exec(stdout)?.[1]);
    },
  );
});

describe("without an answer", () => {
  const words: readonly (readonly [string, readonly string[], number])[] = [
    ["status", ["status", NOBODY], 1],
    ["follow", ["follow", "ftp://127.0.0.1"], 1],
    ["flush", ["flush", NOBODY, "--rpc-url", NOBODY], 1],
    ["transfer", ["transfer", NOBODY, "--token", "t"], 1],
    ["conductor pause", ["conductor", "pause", NOBODY, "--token", "t"], 1],
    ["send", ["send", "ftp://127.0.0.1", "--data", "0x00"], 1],
    ["verify-receipt", ["verify-receipt", "/nowhere"], 2],
    ["doctor", ["doctor", "ftp://127.0.0.1"], 1],
  ];
  test.each(words)("%s says so in one JSON object", async (command, args, exitCode) => {
    const ran = await runCommand([...args, "--json"]);
    expect(ran.exitCode).toBe(exitCode);
    expect(ran.json()).toEqual({ command, error: ran.stderr.trimEnd() });
    expect(ran.stderr.split("\n")).toHaveLength(2);
  });

  test("a doctor's patient that is not there has failed one check, and needs no other", async () => {
    const ran = await runCommand(["doctor", NOBODY, "--json"]);
    expect(ran.exitCode).toBe(2);
    expect(ran.json()).toMatchObject({
      is_well: false,
      failures: 1,
      checks: [{ name: "reachable", verdict: "fail", says: "no answer" }],
    });
  });

  test("a wrong line is told in JSON as well, and repeats nothing of it", async () => {
    const ran = await runCommand(["send", "--to", "0xhidden", "--json"]);
    expect([ran.exitCode, ran.json()]).toEqual([
      1,
      { command: "send", error: "the command line is wrong" },
    ]);
    expect(ran.stderr).not.toContain("hidden");
    expect((await runCommand(["verify-receipt", "--json"])).exitCode).toBe(2);
  });
});

describe("what is refused before anything is asked", () => {
  test.each([
    [["send"], "say what to send: --to and --amount, --withdraw, or --data"],
    [["send", "--amount", "1"], "--to and --amount are given together"],
    [["send", "--data", "0x", "--withdraw", "1"], "give --withdraw or --data, not both"],
    [
      ["send", "--data", "0x"],
      "give --private-key-file or BATON_PRIVATE_KEY, or --account 0 on a development chain",
    ],
    [
      ["send", "https://rollup.example", "--data", "0x", "--account", "0"],
      "--account is for a sequencer on this machine: its keys are public",
    ],
    [
      ["send", "--data", "0x", "--account", "0", "--private-key-file", "k"],
      "give --account or --private-key-file, not both",
    ],
    [["send", "--data", "0x", "--account", "0", "--max-fee", "65536"], "a fee has 16 bits"],
    [["send", "--data", "0x", "--account", "0", "--nonce", "4294967296"], "a nonce has 32 bits"],
    [["bench", "--workers", "2", "--ops", "1"], "--ops must be at least --workers"],
    [["transfer"], "give --token-env, --token or SEQ_OPERATOR_TOKEN"],
    [["transfer", "--token-env", "T", "--token", "t"], "give --token or --token-env, not both"],
    [["transfer", "--token-env", "T"], "the variable that --token-env names is not set"],
    [
      ["conductor", "pause", "http://rollup.example", "--token", "t"],
      "the operator's token is sent over https or to this machine only",
    ],
    [["flush", "--submitter", `0x${"11".repeat(20)}`], "give --rpc-url or SEQ_ETH_RPC_URL"],
  ])("%j: %s", async (args, says) => {
    const ran = await runCommand(args);
    expect([ran.exitCode, ran.stdout, ran.stderr]).toEqual([1, "", `${says}\n`]);
  });

  test.each([
    ["send", "--account", KEY],
    ["send", "--wait", "soon"],
    ["send", "--withdraw", "-1"],
    ["send", "--withdraw", (2n ** 256n).toString()],
    ["deposit", "--amount", "1.5"],
    ["deposit"],
    ["bench", "--workers", "0"],
    ["bench", "--workers", "257"],
    ["follow", "--limit", "0"],
    ["conductor"],
    ["conductor", "override"],
    ["complete", "csh"],
  ])("the parser refuses %s %s %s and repeats no value", async (...words) => {
    const ran = await runCommand(words.filter((word) => word !== undefined));
    expect([ran.exitCode, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).not.toBe("");
    expect(ran.stderr).not.toContain(KEY);
  });
});

describe("keys", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "baton-keys-"));
    writeFileSync(join(directory, "key"), `${KEY}\n`);
    writeFileSync(join(directory, "zero"), `0x${"00".repeat(32)}`);
    writeFileSync(join(directory, "words"), "test test hidden");
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const send = (args: readonly string[], env: Record<string, string> = {}) =>
    runCommand(["send", "ftp://127.0.0.1", "--data", "0x", ...args], { directory, env });

  test("come from a file, or from BATON_PRIVATE_KEY, with or without 0x", async () => {
    const wrongUrl = "BAD_REQUEST: the URL is no http or https URL\n";
    expect((await send(["--private-key-file", "key"])).stderr).toBe(wrongUrl);
    expect((await send([], { BATON_PRIVATE_KEY: KEY.slice(2) })).stderr).toBe(wrongUrl);
  });

  test.each([
    [["--private-key-file", "nothing"], {}, "the file cannot be read"],
    [["--private-key-file", "zero"], {}, "--private-key-file holds no private key"],
    [["--private-key-file", "words"], {}, "--private-key-file holds no private key"],
    [[], { BATON_PRIVATE_KEY: "hidden" }, "BATON_PRIVATE_KEY holds no private key"],
  ])("%j %j is refused, and not repeated", async (args, env, says) => {
    const ran = await send(args, env);
    expect([ran.exitCode, ran.stderr]).toEqual([1, `${says}\n`]);
  });

  test("are never words of a command line", async () => {
    for (const [name] of COMMANDS) {
      const { stdout } = await runCommand([String(name), "--help"]);
      expect(stdout).not.toMatch(/--(private-key|mnemonic) /);
    }
    const ran = await runCommand(["bench", NOBODY, "--mnemonic-file", "words"], { directory });
    expect(ran.stderr).toBe("that is no mnemonic\n");
  });
});
