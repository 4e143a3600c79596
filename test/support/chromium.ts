/**
 * A headless Chromium for the tests: the one that `BATON_CHROMIUM` names, the system's, or the one that a
 * package brings with the libraries and the fonts that a bare machine lacks.
 *
 * The package's is unpacked into `build/chromium`, once, before any file that launches it.
 */

import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { inflate } from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";
import { isBuiltOf, ROOT, replaceFolder, stampOf } from "../../scripts/inputs.ts";

const UNPACKED = join(ROOT, "build", "chromium");
const SYSTEM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ARCHIVES = ["chromium.br", "fonts.tar.br", "swiftshader.tar.br", "al2023.tar.br"];
/** No sandbox: tests run as root in containers, and visit nothing but their own server. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--font-render-hinting=none",
];

type Found = { readonly path: string; readonly env: Readonly<Record<string, string>> };

/** The global setup of the `browser` project: a Chromium whose files are replaced while it starts does not live. */
export async function setup(): Promise<void> {
  await findChromium();
}

/** Whoever launches it closes it. */
export async function launchChromium(): Promise<Browser> {
  const { path, env } = await findChromium();
  const inherited = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return await chromium.launch({
    executablePath: path,
    args: ARGS,
    env: { ...Object.fromEntries(inherited), ...env },
  });
}

async function findChromium(): Promise<Found> {
  const named = process.env["BATON_CHROMIUM"];
  if (named !== undefined && named !== "") return { path: named, env: {} };
  const system = (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) => SYSTEM_NAMES.map((name) => join(folder, name)))
    .find(isProgram);
  return system === undefined ? await unpacked() : { path: system, env: {} };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // It is not there, or not for us.
    return false;
  }
}

async function unpacked(): Promise<Found> {
  const program = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const packageFolder = join(dirname(program), "..");
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(packageFolder, "package.json"), "utf8"),
  );
  if (!isBuiltOf(UNPACKED, manifest.version)) {
    const folder = join(ROOT, "build", `chromium-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    await unpackInto(folder, join(packageFolder, "bin"));
    writeFileSync(join(folder, "fonts.conf"), FONTS);
    writeFileSync(stampOf(folder), manifest.version);
    replaceFolder(folder, UNPACKED, manifest.version);
  }
  const libraries = [join(UNPACKED, "al2023", "lib"), process.env["LD_LIBRARY_PATH"] ?? ""];
  return {
    path: join(UNPACKED, "chromium"),
    env: {
      LD_LIBRARY_PATH: libraries.filter((path) => path !== "").join(delimiter),
      FONTCONFIG_FILE: join(UNPACKED, "fonts.conf"),
    },
  };
}

/** The package unpacks into the system's folder of temporary files, wherever that is. */
async function unpackInto(folder: string, archives: string): Promise<void> {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  try {
    await Promise.all(ARCHIVES.map((name) => inflate(join(archives, name))));
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}

/** The package's one font for text; for code the machine's, where it has one. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>ui-monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
`;
