/**
 * Runs a TypeScript program of this repository with nothing but Node 20 and npm at hand.
 *
 * Installs the locked packages when they are missing or older than the lock, builds what the
 * repository generates, and hands over to the pinned Node, which runs TypeScript by itself.
 */

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [program, ...args] = process.argv.slice(2);
const stamp = join(root, "node_modules", ".installed-lock");
const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  process.stderr.write("installing packages from the lock file (about half a minute)\n");
  const install = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (install.status !== 0) {
    process.stderr.write("npm ci failed: the packages could not be installed\n");
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

const pinned = join(root, "node_modules", ".bin", "node");
const node = existsSync(pinned) ? pinned : process.execPath;
const [major, minor] = spawnSync(node, ["-p", "process.versions.node"], { encoding: "utf8" })
  .stdout.trim()
  .split(".")
  .map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write("this platform has no Node in the lock file: bring Node 22.18 or newer\n");
  process.exit(1);
}

const child = spawn(node, ["--disable-warning=ExperimentalWarning", join(root, program), ...args], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}` },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
