/** What a build is made of, as one hash: whoever builds leaves alone what is up to date. */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";

export const ROOT: string = resolve(import.meta.dirname, "..");

const STAMP = ".inputs-sha256";

/** `isInput` leaves files and folders out, by their path in the repository. */
export function hashOfInputs(
  inputs: readonly string[],
  isInput: (path: string) => boolean = () => true,
): string {
  const hash = createHash("sha256");
  for (const file of inputs.flatMap((input) => filesUnder(join(ROOT, input), isInput))) {
    const bytes = readFileSync(file);
    hash.update(`${relative(ROOT, file)} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

/** `path` itself or the files in it, in one order on every machine. */
function filesUnder(path: string, isInput: (path: string) => boolean): readonly string[] {
  if (!isInput(relative(ROOT, path))) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name), isInput));
}

/** Whether the folder was built of inputs with this hash. */
export function isBuiltOf(folder: string, hash: string): boolean {
  const stamp = join(folder, STAMP);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
}

/** Where the hash is written once everything else is. */
export function stampOf(folder: string): string {
  return join(folder, STAMP);
}

/** Two builds may end at once: of equal inputs the first result stays, since somebody may run it already. */
export function replaceFolder(built: string, target: string, hash: string): void {
  try {
    if (!isBuiltOf(target, hash)) rmSync(target, { recursive: true, force: true });
    renameSync(built, target);
  } catch (error) {
    rmSync(built, { recursive: true, force: true });
    if (!isBuiltOf(target, hash)) throw error;
  }
}
