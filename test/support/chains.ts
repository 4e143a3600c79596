/** Starts the server of chains for the tests in workerd, as their global setup. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = fork(join(import.meta.dirname, "chain-server.ts"), { execArgv: [] });
  const ended = once(server, "exit");
  const url = await Promise.race([
    once(server, "message").then(([url]) => String(url)),
    ended.then(([code]) => Promise.reject(new Error(`the server of chains ended with ${code}`))),
  ]);
  project.provide("chainServerUrl", url);
  return async () => {
    server.disconnect();
    await ended;
  };
}
