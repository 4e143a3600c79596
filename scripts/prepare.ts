/** Generates what checks and tests read: the build's output and the types of the Worker's bindings. */

import { buildAll } from "./build.ts";
import { generateTypes } from "./generate-types.ts";

/** Throws, with the tool's output, when something cannot be generated. */
export async function prepare(): Promise<void> {
  await buildAll();
  generateTypes();
}
