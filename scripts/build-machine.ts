/**
 * `npm run build:machine -- <file>#<export>`: the scheduler and an application as one script, for the
 * rollup's machine.
 *
 * The script is plain JavaScript without imports and defines one global, `rollup`, whose `open` answers a
 * machine (`src/core/scheduler/machine-text.ts`). It wants nothing of its host but the language.
 */

import { basename, join, relative, resolve } from "node:path";
import { buildSync } from "esbuild";
import { ROOT } from "./inputs.ts";

const USAGE = "npm run build:machine -- examples/counter-app/counter.ts#counter";

export type MachineSource = {
  /** A module, by its path in the repository. */
  readonly file: string;
  /** Name of its export that is the application. */
  readonly application: string;
};

/** Answers the script's path. Throws with what the bundler says. */
export function buildMachine({ file, application }: MachineSource): string {
  const outfile = join(ROOT, "build", "machine", `${basename(file, ".ts")}.js`);
  buildSync({
    absWorkingDir: ROOT,
    stdin: {
      contents: `
        import { openMachine } from "baton-sequencer/application";
        import { ${application} as application } from ${JSON.stringify(`./${file}`)};
        export const open = (settings) => openMachine(application, settings);
      `,
      resolveDir: ROOT,
    },
    // The sources and not the built package, so that there is one copy of them.
    alias: { "baton-sequencer/application": join(ROOT, "src/core/application/index.ts") },
    ...{ outfile, bundle: true, format: "iife", globalName: "rollup", platform: "neutral" },
    mainFields: ["module", "main"],
    // The oldest language that has what consensus needs.
    ...{ target: "es2022", legalComments: "none", logLevel: "silent" },
  });
  return outfile;
}

if (import.meta.main) {
  const [file = "", application = ""] = (process.argv[2] ?? "").split("#");
  if (file === "" || application === "") {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = 1;
  } else {
    const source = { file: relative(ROOT, resolve(file)), application };
    process.stdout.write(`${buildMachine(source)}\n`);
  }
}
