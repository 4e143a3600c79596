/** `npm start` and `npm run demo` as their users meet them: output, exit codes, and what survives. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { devAccounts, USERS } from "../../src/local/accounts.ts";
import { runCommand } from "../support/command.ts";
import { until } from "../support/product.ts";

const ROOT = join(import.meta.dirname, "../..");
const LIMIT_MS = 120_000;
const ONE_LINE = /^[^\n]+\n$/;

let dataDir: string;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), "baton-start-"));
});

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

type Run = {
  readonly process: ChildProcess;
  readonly exitCode: Promise<number | null>;
  stdout(): string;
  stderr(): string;
};

/** A local program on the tests' data directory, on any free ports. */
function run(program: string, options: { args?: string[]; env?: NodeJS.ProcessEnv } = {}): Run {
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      join(ROOT, "src/local", program),
      ...(options.args ?? []),
    ],
    {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        SEQ_DATA_DIR: dataDir,
        SEQ_HTTP_ADDR: "127.0.0.1:0",
        ...options.env,
      },
    },
  );
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
    });
  }
  return {
    process: child,
    exitCode: once(child, "close").then(([code]) => code),
    stdout: () => said.stdout,
    stderr: () => said.stderr,
  };
}

/** Resolves when it says that it is ready; throws with its last words when it ends instead. */
async function ready(started: Run): Promise<string> {
  const url = () => /^baton ready at (http:\S+)$/m.exec(started.stdout())?.[1];
  await until(
    () => Promise.resolve(started.process.exitCode ?? url() ?? null),
    (found) => found !== null,
    LIMIT_MS,
  );
  return must(url(), `it is ready: ${started.stderr()}`);
}

const labelled = (started: Run, label: string) =>
  new RegExp(`^${label}: +(.*)$`, "m").exec(started.stdout())?.[1];

/** Pids of anvil and workerd. */
function children(): readonly number[] {
  const entries: { pid: number }[] = JSON.parse(
    readFileSync(join(dataDir, "processes.json"), "utf8"),
  );
  return entries.map(({ pid }) => pid);
}

async function pasteCurl(started: Run): Promise<Record<string, unknown>> {
  const line = must(labelled(started, "send an op"), "there is a curl line");
  const shell = spawn("sh", ["-c", line], { stdio: ["ignore", "pipe", "ignore"] });
  let answer = "";
  shell.stdout.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
  });
  await once(shell, "close");
  return JSON.parse(answer);
}

const stop = async (started: Run): Promise<number | null> => {
  started.process.kill("SIGINT");
  return await started.exitCode;
};

describe("npm start", () => {
  test("refuses a bad configuration at once, every problem on a line", async () => {
    const env = { SEQ_BATCH_LINGER_SECONDS: "soon", SEQ_RETENTION_DAYS: "-1" };
    const refused = run("start.ts", { env });
    expect(await refused.exitCode).toBe(1);
    expect(refused.stderr()).toMatch(
      /^SEQ_BATCH_LINGER_SECONDS [^\n]+\nSEQ_RETENTION_DAYS [^\n]+\n$/,
    );
    const badAddress = run("start.ts", { env: { SEQ_HTTP_ADDR: "3000" } });
    expect(await badAddress.exitCode).toBe(1);
    expect(badAddress.stderr()).toMatch(ONE_LINE);
    const badArgument = run("start.ts", { args: ["--frsh"] });
    expect(await badArgument.exitCode).toBe(1);
    expect(badArgument.stderr()).toMatch(ONE_LINE);
  });

  test("says where everything is; a second one on its port or its data is one line", async () => {
    const first = run("start.ts", { args: ["--fresh"] });
    const url = await ready(first);
    expect(labelled(first, "URL")).toBe(url);
    expect(labelled(first, "chain")).toBe("31337");
    for (const label of ["app", "InputBox", "token", "batch submitter"]) {
      expect(labelled(first, label)).toMatch(/^0x[0-9a-fA-F]{40}( |$)/);
    }
    const token = must(labelled(first, "operator token"), "there is a token");
    const snapshot = await fetch(`${url}/latest_snapshot`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(snapshot.status).toBe(200);
    for (const secret of [
      token,
      "0xf214f2b2cd398c806f84e317254e0f0b801d0643303237d97a22a48e01628897",
    ]) {
      expect(readFileSync(join(dataDir, "workerd.capnp"), "utf8")).not.toContain(secret);
    }
    expect(await pasteCurl(first)).toMatchObject({ ok: true, nonce: 0 });

    const sameData = run("start.ts");
    expect(await sameData.exitCode).toBe(1);
    expect(sameData.stderr()).toMatch(/^another runner is using [^\n]+\n$/);
    const elsewhere = mkdtempSync(join(tmpdir(), "baton-start-"));
    const samePort = run("start.ts", {
      env: { SEQ_DATA_DIR: elsewhere, SEQ_HTTP_ADDR: url.replace("http://", "") },
    });
    expect(await samePort.exitCode).toBe(1);
    expect(samePort.stderr()).toMatch(/^127\.0\.0\.1:[0-9]+ is in use: [^\n]+\n$/);
    rmSync(elsewhere, { recursive: true });

    expect(await stop(first)).toBe(0);
    expect(first.stderr()).toBe("");
    expect(existsSync(join(dataDir, "processes.json"))).toBe(false);
  });

  test.each(["anvil", "workerd", "the runner"])("goes on after kill -9 of %s", async (victim) => {
    const before = run("start.ts");
    await ready(before);
    const { nonce } = await pasteCurl(before);
    const [anvil, workerd] = children();
    if (victim === "the runner") {
      before.process.kill("SIGKILL");
      expect(await before.exitCode).toBeNull();
    } else {
      process.kill(must(victim === "anvil" ? anvil : workerd, "both run"), "SIGKILL");
      expect(await before.exitCode).toBe(1);
      expect(before.stderr()).toBe(`${victim} ended by itself (SIGKILL)\n`);
    }
    for (const pid of [anvil, workerd]) {
      const stat = `/proc/${pid}/stat`;
      const isAlive = () => existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
      await until(
        () => Promise.resolve(isAlive()),
        (alive) => !alive,
        5_000,
      );
    }
    const after = run("start.ts");
    await ready(after);
    expect(await pasteCurl(after)).toMatchObject({ ok: true, nonce: Number(nonce) + 1 });
    expect(await stop(after)).toBe(0);
  });

  test("the demo shows the whole life of an op, in less than a screen", async () => {
    const started = run("start.ts");
    await ready(started);
    const demo = run("demo.ts");
    expect(await demo.exitCode).toBe(0);
    expect(demo.stderr()).toBe("");
    const steps = [...demo.stdout().matchAll(/● ([a-z]+(?: [a-z]+)*)/g)].map((match) => match[1]);
    expect(steps).toEqual([
      ...["deposited", "ordered", "signed", "confirmed", "on the feed", "posted", "settled"],
    ]);
    expect(demo.stdout().split("\n").length).toBeLessThan(60);
    expect(demo.stdout()).not.toContain("\x1b[");
    expect(await stop(started)).toBe(0);
    const alone = run("demo.ts");
    expect(await alone.exitCode).toBe(1);
    expect(alone.stderr()).toMatch(/^no devnet is running here: [^\n]+\n$/);
  });

  test("[R5] without its database it waits for a rebuild, and says how to make one", async () => {
    const before = run("start.ts");
    const at = await ready(before);
    const { sender, nonce } = await pasteCurl(before);
    await until(
      async () => (await fetch(`${at}/tx/${sender}/${nonce}`)).json(),
      (body) => (body as { state: string }).state === "settled",
      LIMIT_MS,
    );
    expect(await stop(before)).toBe(0);
    rmSync(join(dataDir, "objects"), { recursive: true });
    const started = run("start.ts");
    const command = () =>
      / (SEQ_\S+=\S+ )+npm .* rebuild (\S+) --rpc-url (\S+)$/m.exec(started.stdout());
    await until(
      () => Promise.resolve(started.process.exitCode ?? command()),
      (found) => found !== null,
      LIMIT_MS,
    );
    const [line, , url, rpcUrl] = must(command(), `it says how: ${started.stderr()}`);
    const said = [...line.matchAll(/(SEQ_[A-Z0-9_]+)=(\S+)/g)].map(([, name, value]) => [
      name,
      value,
    ]);
    const secrets = {
      SEQ_BATCH_SUBMITTER_PRIVATE_KEY: must(devAccounts()[USERS], "one submits").privateKey,
      SEQ_OPERATOR_TOKEN: readFileSync(join(dataDir, "operator-token"), "utf8").trim(),
    };
    const env = { ...Object.fromEntries(said), ...secrets };
    const words = [url, "--rpc-url", rpcUrl].map((word) => must(word, "the line is whole"));
    expect(await runCommand(["rebuild", ...words], { env })).toMatchObject({ exitCode: 0 });
    await ready(started);
    const next = { sender, nonce: Number(nonce) + 1, offset: 1 };
    expect(await pasteCurl(started)).toMatchObject({ ok: true, ...next });
    expect(await stop(started)).toBe(0);
  });

  test("refuses a chain that the database has not read, until it begins anew", async () => {
    const chain = join(dataDir, "chain.json");
    renameSync(chain, `${chain}.elsewhere`);
    const lost = run("start.ts");
    expect(await lost.exitCode).toBe(1);
    expect(lost.stderr()).toMatch(/^the chain [^\n]+ is missing: [^\n]*npm start -- --fresh\n$/);
    const anew = run("start.ts", { args: ["--fresh"] });
    await ready(anew);
    expect(await pasteCurl(anew)).toMatchObject({ ok: true, nonce: 0 });
    expect(await stop(anew)).toBe(0);
    renameSync(`${chain}.elsewhere`, chain);
    const other = run("start.ts");
    expect(await other.exitCode).toBe(1);
    expect(other.stderr()).toMatch(/^the chain [^\n]+ another one: [^\n]*npm start -- --fresh\n$/);
  });
});
