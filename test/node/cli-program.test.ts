/** What `baton` understands, what it says to whom, and its exit codes where nothing is reached. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Io, Speech } from "../../src/cli/io.ts";
import { runCommand } from "../support/command.ts";

const ADDRESS = `0x${"11".repeat(20)}`;

describe("help", () => {
  test.each([["--help"], ["verify", "--help"], ["rebuild", "--help"]])(
    "%s %s is on stdout, and 0",
    async (...args) => {
      const ran = await runCommand(args.filter((arg) => arg !== undefined));
      expect([ran.exitCode, ran.stderr]).toEqual([0, ""]);
      expect(ran.stdout).toMatch(/^Usage: baton/);
    },
  );

  test("[V4] [R5] each command tells its exit codes, its variables and no value of them", async () => {
    const env = { SEQ_OPERATOR_TOKEN: "hidden-token", SEQ_ETH_RPC_URL: "https://hidden.example" };
    const verify = await runCommand(["verify", "--help"], { env });
    expect(verify.stdout).toContain("0 they agree, 1 it could not be told, 2 they do not.");
    expect(verify.stdout).toContain("SEQ_OPERATOR_TOKEN");
    const rebuild = await runCommand(["rebuild", "--help"], { env });
    expect(rebuild.stdout).toContain("SEQ_BATCH_SUBMITTER_PRIVATE_KEY");
    expect(verify.stdout + rebuild.stdout).not.toContain("hidden");
  });
});

describe("a command line that is wrong", () => {
  test.each([
    [[]],
    [["frobnicate"]],
    [["verify", "--nope"]],
    [["verify", "http://127.0.0.1:9", "another"]],
    [["verify", "--chain-id", "-1"]],
    [["verify", "--chain-id", "1e3"]],
    [["verify", "--app", "0x12"]],
    [["verify", "--application-config", "{"]],
    [["verify", "--application-config", "[]"]],
    [["rebuild", "--block", "x"]],
  ])("%j is 1, never 2, and nothing is on stdout", async (args) => {
    const ran = await runCommand(args);
    expect([ran.exitCode, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).not.toBe("");
  });

  test.each([
    [["verify", "ftp://127.0.0.1"], "the sequencer's URL is no http or https URL"],
    [["verify", "http://user:secret@127.0.0.1"], "the sequencer's URL is no http or https URL"],
    [["verify"], "give --rpc-url or SEQ_ETH_RPC_URL"],
    [["verify", "--rpc-url", "file:///x"], "the RPC URL is no http or https URL"],
    [
      ["verify", "--rpc-url", "http://rpc.example/key"],
      "a remote RPC must use https, or set SEQ_ALLOW_INSECURE_RPC",
    ],
    [
      ["rebuild", "--snapshot", "x", "--block", "7"],
      "--snapshot, --block and --nonce are given together, or none of them",
    ],
    [
      ["verify", "--application-config", '{"erc20_portal":"0x12"}'],
      "--application-config is none of the application wallet",
    ],
  ])("%j says what is wrong in a line", async (args, says) => {
    const ran = await runCommand(args);
    expect([ran.exitCode, ran.stdout, ran.stderr]).toEqual([1, "", `${says}\n`]);
  });

  test.each([
    [["verify", "http://127.0.0.1:9", "https://rpc.example/hidden"]],
    [["verify", "http://127.0.0.1:9", "hidden"]],
    [["verify", "--rpcurl=https://rpc.example/hidden"]],
    [["verify", "--tokn=hidden"]],
    [["https://rpc.example/hidden"]],
    [["verify", "--app", "https://rpc.example/hidden"]],
  ])("%j is not repeated: a slip may hold an RPC URL or the token", async (args) => {
    const ran = await runCommand(args);
    expect([ran.exitCode, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toMatch(/^error: [a-z]+/);
    expect(ran.stderr).not.toContain("hidden");
  });

  test("[R5] a rebuild names every variable that is missing or wrong, and no value", async () => {
    const ran = await runCommand(["rebuild"], {
      env: { SEQ_BATCH_SUBMITTER_PRIVATE_KEY: "0xsecret", SEQ_APP_ADDRESS: ADDRESS },
    });
    expect([ran.exitCode, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr.split("\n")).toEqual([
      "SEQ_ETH_RPC_URL is required",
      "SEQ_CHAIN_ID is required",
      "SEQ_BATCH_SUBMITTER_PRIVATE_KEY invalid private key",
      "",
    ]);
  });
});

describe("what is said", () => {
  const speaking = (isTerminal: boolean, options: ConstructorParameters<typeof Speech>[1] = {}) => {
    const said = { stdout: "", stderr: "" };
    const io: Io = {
      env: {},
      directory: "/",
      isTerminal,
      interrupted: () => new AbortController().signal,
      stdin: () => new Blob([]).stream(),
      stdout: (text) => {
        said.stdout += text;
      },
      stderr: (text) => {
        said.stderr += text;
      },
    };
    return { said, speech: new Speech(io, options) };
  };

  test("progress goes to a terminal, or where it is asked for, at most once a second", () => {
    const terminal = speaking(true);
    for (const line of ["one", "two"]) terminal.speech.progress(line);
    expect(terminal.said.stderr).toBe("\r\u001b[Kone");
    terminal.speech.result({}, ["done"]);
    expect(terminal.said).toEqual({ stdout: "done\n", stderr: "\r\u001b[Kone\r\u001b[K" });
    const pipe = speaking(false);
    pipe.speech.progress("one");
    expect(pipe.said.stderr).toBe("");
    const asked = speaking(false, { progress: true });
    asked.speech.progress("one");
    expect(asked.said.stderr).toBe("one\n");
  });

  test("with --json stdout is one object, also when it failed", async () => {
    const { said, speech } = speaking(false, { json: true });
    speech.note("by the way");
    speech.result({ verdict: "agree" }, ["agree"]);
    expect(said).toEqual({ stdout: '{"verdict":"agree"}\n', stderr: "by the way\n" });
    const ran = await runCommand(["verify", "--json"]);
    expect(ran.json()).toEqual({ command: "verify", error: ran.stderr.trimEnd() });
  });
});

test("the program itself passes the exit code on", () => {
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"] },
    });
  expect(run("--help").status).toBe(0);
  const failed = run("verify", "http://127.0.0.1:9", "--rpc-url", "http://127.0.0.1:9/a-key");
  expect([failed.status, failed.stdout]).toEqual([1, ""]);
  expect(failed.stderr).not.toContain("a-key");
});
