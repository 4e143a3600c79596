/** Children end with their runner, and only they do. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Processes, stopLeftovers } from "../../src/local/processes.ts";
import { until } from "../support/product.ts";

const SLEEP = { program: "/bin/sleep", args: ["600"], env: {}, stdio: ["ignore" as const] };

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-processes-"));
  file = join(folder, "processes.json");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a child that ends by itself is told of, one that is stopped is not", async () => {
  const processes = new Processes(file);
  const stopped = await processes.spawn({ name: "first", ...SLEEP });
  await processes.stop(stopped, 5_000);
  expect(await stopped.ended).toBe("SIGTERM");
  const lost = await processes.spawn({ name: "second", ...SLEEP });
  process.kill(lost.pid, "SIGKILL");
  expect(await processes.failed).toBe("second ended by itself (SIGKILL)");
  await processes.close();
  expect(existsSync(file)).toBe(false);
});

test("one that gives up is told of with what it wrote last", async () => {
  const processes = new Processes(file);
  const log = join(folder, "log");
  const script = 'printf "starting\\nthe port is taken\\n" > "$0"; exit 3';
  const shell = { name: "shell", program: "/bin/sh", args: ["-c", script, log] };
  await processes.spawn({ ...SLEEP, ...shell, log });
  expect(await processes.failed).toBe("shell ended by itself (exit code 3: the port is taken)");
  const silent = await processes.spawn({ ...SLEEP, ...shell, log: join(folder, "no", "log") });
  expect(await silent.ended).toBe("exit code 3");
  await processes.close();
});

test("closing kills what is left and starts nothing any more", async () => {
  const processes = new Processes(file);
  const child = await processes.spawn({ name: "sleep", ...SLEEP });
  await processes.close();
  expect(isAlive(child.pid)).toBe(false);
  await expect(processes.spawn({ name: "sleep", ...SLEEP })).rejects.toThrow("being stopped");
});

test("a program that is not there is one line", async () => {
  const processes = new Processes(file);
  const missing = { ...SLEEP, program: "@cloudflare/no-such-package/bin/none" };
  await expect(processes.spawn({ name: "anvil", ...missing })).rejects.toThrow(
    /^anvil is missing \(@cloudflare\/no-such-package\/bin\/none\): run npm ci[^\n]*$/,
  );
  const directory = { ...SLEEP, program: join(folder, "data.json") };
  writeFileSync(directory.program, "{}");
  await expect(processes.spawn({ name: "anvil", ...directory })).rejects.toThrow(/is missing/);
  await processes.close();
});

test("kill -9 of the runner ends its children", async () => {
  const { runner, child } = await startRunner();
  runner.kill("SIGKILL");
  await until(
    () => Promise.resolve(isAlive(child)),
    (alive) => !alive,
    5_000,
  );
});

test("what outlived runner and guard is ended by the next start", async () => {
  const orphan = spawn("/bin/sleep", ["600"], { stdio: "ignore", detached: true });
  const exited = once(orphan, "exit");
  const pid = orphan.pid ?? 0;
  const startTicks = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")[19];
  // The same pid at another time is another process, and none of ours.
  writeFileSync(file, JSON.stringify([{ name: "anvil", pid, startTicks: "1" }]));
  await stopLeftovers(file);
  expect(isAlive(pid)).toBe(true);
  writeFileSync(file, JSON.stringify([{ name: "anvil", pid, startTicks }]));
  await stopLeftovers(file);
  await exited;
  expect(existsSync(file)).toBe(false);
});

test("a file that was cut off names nobody", async () => {
  writeFileSync(file, '[{"name":"an');
  await stopLeftovers(file);
  expect(existsSync(file)).toBe(false);
});

/** A runner in a process of its own, with one child, whose pid it prints. */
async function startRunner() {
  const module = join(import.meta.dirname, "../../src/local/processes.ts");
  const program = `
    const { Processes } = await import(${JSON.stringify(module)});
    const child = await new Processes(${JSON.stringify(file)}).spawn({
      name: "sleep", program: "/bin/sleep", args: ["600"], env: {}, stdio: ["ignore"],
    });
    console.log(child.pid);
    setInterval(() => {}, 1000);
  `;
  const runner = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line]: string[] = await once(createInterface({ input: runner.stdout }), "line");
  const child = Number(line);
  expect(isAlive(child)).toBe(true);
  return { runner, child };
}

function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
}
