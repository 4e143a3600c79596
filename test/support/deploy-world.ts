/**
 * A deployment in a world of its own: a copy of `wrangler.toml`, a program in wrangler's place, a site
 * that gets ready, and an operator who answers what is written down, or is not there.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ask, DeployFailure, type DeployIo } from "../../scripts/deploy/io.ts";
import { type DeployOptions, deploy } from "../../scripts/deploy/run.ts";
import { ROOT } from "../../scripts/inputs.ts";
import { type FakeWrangler, fakeWrangler, type WranglerAnswer } from "./fake-wrangler.ts";

const ADDRESS = `0x${"ab".repeat(20)}`;
export const VARS = {
  SEQ_CHAIN_ID: "11155111",
  SEQ_APP_ADDRESS: ADDRESS,
  SEQ_ERC20_PORTAL_ADDRESS: ADDRESS,
  SEQ_ERC20_TOKEN_ADDRESS: ADDRESS,
};
export const SECRETS = {
  SEQ_ETH_RPC_URL: "https://rpc.example/the-api-key",
  SEQ_BATCH_SUBMITTER_PRIVATE_KEY: `0x${"5b".repeat(32)}`,
  SEQ_OPERATOR_TOKEN: "the operator's own token",
};
/** What wrangler says of a Worker that was never deployed. */
export const NO_WORKER: WranglerAnswer = { status: 1, stderr: "Worker not found." };
/** Commands of a deployment to staging, in order: what comes before anything is changed, and the end. */
export const CHECKS: readonly string[] = [
  "whoami --json",
  "secret list --env staging",
  "deploy --dry-run --env staging",
];
export const UPLOAD = "deploy --env staging --durable-objects-code-update-mode immediate";

const OPTIONS: DeployOptions = {
  ...{ environment: "staging", first: false, yes: true, dryRun: false, url: null, change: [] },
  ...{ waitMs: 5_000, pollMs: 20 },
};

export type Given = {
  readonly vars?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly answers?: Readonly<Record<string, WranglerAnswer>>;
  /** Answers in order; without them nobody is there. */
  readonly typed?: readonly string[];
  readonly manifest?: (text: string) => string;
  readonly doctorStatus?: number;
  /** In place of the doctor that only says how it was called. */
  readonly doctor?: readonly string[];
};

export class DeployWorld {
  readonly folder: string = mkdtempSync(join(tmpdir(), "baton-deploy-test-"));
  /** Answers of `/readyz`, the last one for ever. */
  readiness: number[] = [200];
  readonly said: string[] = [];
  #wrangler: FakeWrangler | null = null;
  readonly #site: Server = createServer((request, response) => {
    const next = this.readiness.length > 1 ? this.readiness.shift() : this.readiness[0];
    const isReadiness = request.url === "/readyz";
    response.statusCode = isReadiness ? (next ?? 500) : 503;
    response.end(isReadiness ? "" : JSON.stringify({ mode: "starting", refusal: null }));
  });

  static async open(): Promise<DeployWorld> {
    const world = new DeployWorld();
    await new Promise<void>((resolve) => world.#site.listen(0, "127.0.0.1", resolve));
    return world;
  }

  close(): void {
    this.#site.close();
    this.#site.closeAllConnections();
    rmSync(this.folder, { recursive: true });
  }

  get url(): string {
    const address = this.#site.address();
    if (address === null || typeof address === "string") throw new Error("it listens on a port");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Deploys under what is given. */
  run(given: Given = {}, options: Partial<DeployOptions> = {}): Promise<number> {
    return deploy(this.#io(given), { ...OPTIONS, ...options });
  }

  /** Why it does not go on. */
  async failure(given: Given = {}, options: Partial<DeployOptions> = {}): Promise<string> {
    const error = await this.run(given, options).catch((reason: unknown) => reason);
    if (!(error instanceof DeployFailure)) throw new Error(`it did not fail so: ${error}`);
    return error.message;
  }

  calls(): ReturnType<FakeWrangler["calls"]> {
    return this.#wrangler?.calls() ?? [];
  }

  /** The calls' words, without the configuration file that each of them names. */
  commands(): readonly string[] {
    return this.calls().map(({ argv }) => argv.slice(0, argv.indexOf("--config")).join(" "));
  }

  /** Secrets that were put, by name. */
  puts(): Readonly<Record<string, string>> {
    const puts = this.calls().filter(({ argv }) => argv[1] === "put");
    return Object.fromEntries(puts.map(({ argv, stdin }) => [argv[2] ?? "", stdin]));
  }

  manifest(): string {
    return readFileSync(join(this.folder, "wrangler.toml"), "utf8");
  }

  /** How the doctor was called. */
  doctor(): { argv: string[]; env: Record<string, string> } {
    return JSON.parse(readFileSync(join(this.folder, "doctor"), "utf8"));
  }

  #io(given: Given): DeployIo {
    const { vars = VARS, env = {}, answers = {}, typed, manifest, doctorStatus = 0 } = given;
    const targets = ["schedule: * * * * *", this.url];
    const held = Object.keys(SECRETS).map((name) => ({ name, type: "secret_text" }));
    const wrangler = fakeWrangler(this.folder, {
      "deploy --env": { report: { type: "deploy", version: 1, targets } },
      "secret list": { stdout: JSON.stringify(held) },
      ...answers,
    });
    this.#wrangler = wrangler;
    const file = join(this.folder, "wrangler.toml");
    const text = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
    const lines = Object.entries(vars).map(([name, value]) => `${name} = "${value}"\n`);
    const filled = text.replace("[env.staging.vars]\n", `[env.staging.vars]\n${lines.join("")}`);
    writeFileSync(file, manifest?.(filled) ?? filled);
    return {
      ...{ env, wrangler: wrangler.program, manifest: file, keep: join(this.folder, "kept") },
      doctor: given.doctor ?? this.#writeDoctor(doctorStatus),
      ask: typed === undefined ? null : this.#answering(typed),
      say: (line) => this.said.push(line),
    };
  }

  #writeDoctor(status: number): readonly string[] {
    const program = join(this.folder, "doctor.mjs");
    const report = JSON.stringify(join(this.folder, "doctor"));
    const text = `import { writeFileSync } from "node:fs";
const called = { argv: process.argv.slice(2), env: process.env };
writeFileSync(${report}, JSON.stringify(called));
process.exitCode = ${status};
`;
    writeFileSync(program, text);
    return [process.execPath, program];
  }

  #answering(typed: readonly string[]): Ask {
    const left = [...typed];
    const next = (question: string): Promise<string> => {
      this.said.push(question);
      const answer = left.shift();
      if (answer === undefined) throw new Error(`nobody answers ${question}`);
      return Promise.resolve(answer);
    };
    return { line: next, secret: next };
  }
}
