/**
 * The Worker on raw workerd: the bundle, its objects' databases on disk, and the cron heartbeat.
 *
 * Its log goes to a file. workerd reports the ports that it listens on over a pipe, so a port may be
 * any free one and is known without a race.
 */

import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { Bundle } from "../../scripts/build.ts";
import { withinLimit } from "./anvil.ts";
import { type DataDir, writeWhole } from "./data-dir.ts";
import { LocalFailure } from "./failure.ts";
import type { Child, Processes } from "./processes.ts";
import { type DurableObjectClass, formatWorkerdConfig } from "./workerd-config.ts";

export type WorkerdOptions = {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly dataDir: DataDir;
  readonly processes: Processes;
  readonly bundle: Bundle;
};

/** What wrangler.toml may bind; a key, once released, is where the data is. */
export const OBJECTS: readonly DurableObjectClass[] = [
  { binding: "SEQUENCER", className: "Sequencer", uniqueKey: "baton-sequencer-v1" },
  { binding: "VALIDATOR", className: "Validator", uniqueKey: "baton-validator-v1" },
  { binding: "GATEWAY", className: "Gateway", uniqueKey: "baton-gateway-v1" },
  { binding: "RELAY", className: "Relay", uniqueKey: "baton-relay-v1" },
];

const PROGRAM = `@cloudflare/workerd-${process.platform}-${process.arch === "x64" ? "64" : process.arch}/bin/workerd`;
const START_LIMIT_MS = 20_000;
const STOP_GRACE_MS = 5_000;
/** A heartbeat re-arms a lost alarm; deployed it comes once a minute, here sooner. */
const HEARTBEAT_EVERY_MS = 10_000;
const HEARTBEAT_LIMIT_MS = 5_000;

export class Workerd {
  readonly child: Child;
  readonly port: number;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(child: Child, ports: Ports) {
    this.child = child;
    this.port = ports.http;
    this.#heartbeat = setInterval(() => void beat(ports.cron), HEARTBEAT_EVERY_MS);
    void child.ended.then(() => clearInterval(this.#heartbeat));
  }

  /** Resolves when it listens. Throws `LocalFailure` when it is missing or does not start. */
  static async start(options: WorkerdOptions): Promise<Workerd> {
    const { dataDir, secrets, bundle } = options;
    const manifest = readFileSync(bundle.config, "utf8");
    const objectsPath = dataDir.file("objects");
    mkdirSync(objectsPath, { recursive: true, mode: 0o700 });
    const config = formatWorkerdConfig({
      compatibilityDate: compatibilityDate(manifest),
      httpAddress: `${options.host}:${options.port}`,
      modules: bundleModules(bundle.folder, dataDir.path),
      variables: options.variables,
      secrets: Object.keys(secrets),
      objects: OBJECTS.filter(({ className }) => manifest.includes(`class_name = "${className}"`)),
      objectsPath,
    });
    await writeWhole(dataDir.file("workerdConfig"), config);
    const log = dataDir.file("workerdLog");
    const output = openSync(log, "w", 0o600);
    try {
      const child = await options.processes.spawn({
        name: "workerd",
        program: PROGRAM,
        args: ["serve", "--experimental", "--control-fd=3", dataDir.file("workerdConfig")],
        env: secrets,
        stdio: ["ignore", output, output, "pipe"],
        log,
      });
      return new Workerd(child, await listeningPorts(child));
    } finally {
      closeSync(output);
    }
  }

  async stop(processes: Processes): Promise<void> {
    await processes.stop(this.child, STOP_GRACE_MS);
  }
}

type Ports = { readonly http: number; readonly cron: number };

async function listeningPorts(child: Child): Promise<Ports> {
  const control = child.process.stdio[3];
  if (!(control instanceof Readable)) throw new Error("workerd's control pipe is readable");
  const listening = new Promise<Ports>((resolve) => {
    const ports = new Map<string, number>();
    createInterface({ input: control }).on("line", (line) => {
      const report: { event: string; socket: string; port: number } = JSON.parse(line);
      if (report.event === "listen") ports.set(report.socket, report.port);
      const http = ports.get("http");
      const cron = ports.get("cron");
      if (http !== undefined && cron !== undefined) resolve({ http, cron });
    });
  });
  const ended = child.ended.then((how) => {
    throw new LocalFailure(`workerd did not start (${how})`);
  });
  return await withinLimit(Promise.race([listening, ended]), START_LIMIT_MS, "workerd");
}

async function beat(port: number): Promise<void> {
  try {
    const signal = AbortSignal.timeout(HEARTBEAT_LIMIT_MS);
    await (await fetch(`http://127.0.0.1:${port}/`, { signal })).text();
  } catch {
    // A heartbeat may be lost: the next one does its work. That workerd ended shows elsewhere.
  }
}

function bundleModules(folder: string, from: string): readonly { name: string; path: string }[] {
  return readdirSync(folder)
    .filter((name) => name === "index.js" || /\.(wasm|sql|txt)$/.test(name))
    .map((name) => ({ name, path: relative(from, join(folder, name)) }));
}

function compatibilityDate(manifest: string): string {
  const date = /^compatibility_date = "([0-9-]+)"$/m.exec(manifest)?.[1];
  if (date === undefined) throw new Error("wrangler.toml has a compatibility_date");
  return date;
}
