/**
 * The data directory: one runner at a time, files that are whole or absent, secrets for the owner only.
 *
 * The lock is the operating system's, held by an open database and gone with its process, so that
 * there is no stale lock to remove after a crash.
 */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LocalFailure } from "./failure.ts";

/** Everything that a runner writes; `--fresh` removes these and nothing else. */
export const FILES = {
  /** The chain as it was last saved. */
  chain: "chain.json",
  /** What was deployed on it. */
  devnet: "devnet.json",
  /** The objects' databases: one folder for each class. */
  objects: "objects",
  /** Members of a committee that have processes of their own: one folder for each. */
  members: "members",
  operatorToken: "operator-token",
  validatorKek: "validator-kek",
  workerdConfig: "workerd.capnp",
  workerdLog: "workerd.log",
  processes: "processes.json",
  /** Where the running stack is reached; absent when none runs. */
  running: "running.json",
} as const;

const LOCK = "lock";
const SQLITE_BUSY = 5;
const OWNER_ONLY = 0o600;

/** `SEQ_DATA_DIR`; blank means unset, as for every variable. */
export function dataDirOf(environment: NodeJS.ProcessEnv): string {
  return environment["SEQ_DATA_DIR"]?.trim() || "sequencer-data";
}

export class DataDir {
  readonly path: string;
  readonly #lock: DatabaseSync;

  private constructor(path: string, lock: DatabaseSync) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Creates and locks the directory. Throws `LocalFailure` when another runner has it, and for a folder
   * that something else fills: a start that begins anew would delete what has our files' names there.
   */
  static open(path: string): DataDir {
    const absolute = resolve(path);
    try {
      mkdirSync(absolute, { recursive: true, mode: 0o700 });
      if (isForeign(absolute)) throw new Error(`${absolute} holds other files: name an empty one`);
      return new DataDir(absolute, lockOf(join(absolute, LOCK)));
    } catch (error) {
      if (isBusy(error)) throw new LocalFailure(`another runner is using ${absolute}`);
      const reason = error instanceof Error ? error.message : String(error);
      throw new LocalFailure(`the data directory cannot be used: ${reason}`);
    }
  }

  file(name: keyof typeof FILES): string {
    return join(this.path, FILES[name]);
  }

  has(name: keyof typeof FILES): boolean {
    return existsSync(this.file(name));
  }

  /** Whether an object ever stored something here. */
  hasDatabase(): boolean {
    if (!this.has("objects")) return false;
    return readdirSync(this.file("objects"), { recursive: true }).some((name) =>
      String(name).endsWith(".sqlite"),
    );
  }

  clear(): void {
    for (const name of Object.values(FILES)) {
      rmSync(join(this.path, name), { recursive: true, force: true });
      rmSync(join(this.path, `${name}.new`), { force: true });
    }
  }

  remove(name: keyof typeof FILES): void {
    rmSync(this.file(name), { force: true });
  }

  /** Made once, 32 random bytes in hex; it outlives restarts, so that scripts can keep it. */
  async operatorToken(): Promise<string> {
    return await this.#secret("operatorToken");
  }

  /** Made once, 0x and 32 random bytes in hex: without it, the keys in the databases are lost. */
  async validatorKek(): Promise<string> {
    return `0x${await this.#secret("validatorKek")}`;
  }

  async #secret(name: "operatorToken" | "validatorKek"): Promise<string> {
    const file = this.file(name);
    if (!existsSync(file)) await writeWhole(file, `${randomBytes(32).toString("hex")}\n`);
    return readFileSync(file, "utf8").trim();
  }

  /** Lets another runner in. */
  close(): void {
    this.#lock.close();
  }
}

/** Replaces `file` in one step: whoever reads it, also after a crash, finds the old or the new. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, "w", OWNER_ONLY);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A folder that no runner ever locked, with something in it. */
function isForeign(path: string): boolean {
  return !existsSync(join(path, LOCK)) && readdirSync(path).length > 0;
}

function lockOf(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}
