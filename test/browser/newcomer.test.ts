/** The newcomer's path, as README.md has it: its first command, the line it prints, the page, the receipt. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../../scripts/inputs.ts";
import { must } from "../../src/core/types/assert.ts";
import { launchChromium } from "../support/chromium.ts";
import { until } from "../support/product.ts";
import { Visit } from "../support/visit.ts";

const READY_LIMIT_MS = 120_000;
/** Blocks come every second, and the safe head trails by eight. */
const SETTLE_LIMIT_MS = 60_000;

/** Runs a line in a shell, as a newcomer pastes it. */
function paste(line: string, env: NodeJS.ProcessEnv = {}) {
  const shell = spawn("sh", ["-c", line], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: a Ctrl-C reaches everybody in it.
    detached: true,
    env: { ...process.env, ...env },
  });
  let said = "";
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  return { shell, ended: once(shell, "close"), said: () => said };
}

let browser: Browser;
let dataDir: string;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "baton-newcomer-"));
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

test("an op is sent by the printed line, seen on the page, settled, and its receipt proven there", {
  timeout: READY_LIMIT_MS + 2 * SETTLE_LIMIT_MS,
}, async () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const [, command = ""] = must(
    /^```\n(npm [a-z]+)/m.exec(readme),
    "README.md begins with a command",
  );
  expect(command).toBe("npm start");
  // Any free port, and a folder of its own: the rest is as it is read.
  const started = paste(command, { SEQ_HTTP_ADDR: "127.0.0.1:0", SEQ_DATA_DIR: dataDir });
  const printed = (label: string) => new RegExp(`^${label} +(.*)$`, "m").exec(started.said())?.[1];
  try {
    await until(
      () => Promise.resolve(started.shell.exitCode ?? printed("baton ready at") ?? null),
      (found) => found !== null,
      READY_LIMIT_MS,
    );
    const url = must(printed("baton ready at"), started.said());

    const sent = paste(must(printed("send an op:"), "a line is printed"));
    await sent.ended;
    const answer: Record<string, unknown> = JSON.parse(sent.said());
    expect(answer).toMatchObject({ ok: true, nonce: 0 });

    const visit = await Visit.open(browser, url);
    await visit.page.waitForSelector(`.feed [data-offset="${answer["offset"]}"]`);
    await visit.turnTo("op");
    await visit.page.fill("#find-sender", String(answer["sender"]));
    await visit.page.fill("#find-nonce", "0");
    await visit.page.keyboard.press("Enter");
    await visit.page.waitForSelector('.step[data-state="settled"][aria-current]', {
      timeout: SETTLE_LIMIT_MS,
    });
    await visit.page.waitForSelector("[data-verdict]");
    expect(await visit.page.textContent("[data-verdict]")).toMatch(/^Proven\. Certified/);
    expect(visit.complaints).toEqual([]);
    expect([...visit.origins].every((origin) => new URL(origin).host === new URL(url).host)).toBe(
      true,
    );
    await visit.shoot("newcomer");
    await visit.close();
  } finally {
    process.kill(-must(started.shell.pid, "it was started"), "SIGINT");
    await started.ended;
  }
});
