/** Members of a committee in processes of their own, each with its databases in a folder of its own. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { must } from "../core/types/assert.ts";
import type { CommitteePlan, MemberPlan } from "./committee.ts";
import { DataDir } from "./data-dir.ts";
import type { HeldPorts } from "./held-ports.ts";
import { urlOf } from "./listen-address.ts";
import type { Processes } from "./processes.ts";
import { Workerd, type WorkerdOptions } from "./workerd.ts";

/** A member that can be killed and started like a machine of its own. */
export type Member = {
  readonly kind: MemberPlan["kind"];
  readonly name: string;
  readonly url: string;
  /** While it runs. */
  readonly pid: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with what it has stored. */
  start(): Promise<void>;
  /** Loses its databases; it must not be running. */
  wipe(): void;
};

export class Members {
  readonly all: readonly Member[];
  readonly #stops: readonly (() => Promise<void>)[];

  private constructor(parts: readonly { readonly member: Member; stop(): Promise<void> }[]) {
    this.all = parts.map(({ member }) => member);
    this.#stops = parts.map((part) => () => part.stop());
  }

  /** Starts those of the plan that have a port; `folder` holds a folder for each. */
  static async start(
    plan: CommitteePlan,
    folder: string,
    ports: HeldPorts,
    options: Omit<WorkerdOptions, "dataDir" | "host" | "port">,
  ): Promise<Members> {
    const parts: ReturnType<typeof memberOf>[] = [];
    for (const { kind, name, port } of plan) {
      if (port === null) continue;
      const part = memberOf({ kind, name, port }, join(folder, name), options);
      await ports.release(port);
      await part.member.start();
      parts.push(part);
    }
    return new Members(parts);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
  }
}

function memberOf(
  { kind, name, port }: { kind: MemberPlan["kind"]; name: string; port: number },
  folder: string,
  options: Omit<WorkerdOptions, "dataDir" | "host" | "port">,
): { readonly member: Member; stop(): Promise<void> } {
  const host = "127.0.0.1";
  const dataDir = DataDir.open(folder);
  const { processes }: { processes: Processes } = options;
  const url = urlOf({ host, port });
  const variables = { ...options.variables, SEQ_COMMITTEE_URL: url };
  let workerd: Workerd | null = null;
  const running = (): Workerd => must(workerd, "the member runs");
  const member: Member = {
    kind,
    name,
    url,
    get pid() {
      return running().child.pid;
    },
    async kill() {
      const { child } = running();
      workerd = null;
      await processes.kill(child);
    },
    async start() {
      workerd = await Workerd.start({ ...options, variables, dataDir, host, port });
    },
    wipe() {
      rmSync(dataDir.file("objects"), { recursive: true, force: true });
    },
  };
  return {
    member,
    async stop() {
      try {
        await workerd?.stop(processes);
      } finally {
        dataDir.close();
      }
    },
  };
}
