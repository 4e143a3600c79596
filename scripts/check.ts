/** `npm run check`: every check that is not a test. Exit 1 when one fails. */

import { runChecks } from "./checks.ts";
import { prepare } from "./prepare.ts";

await prepare();
const { passed, failed } = await runChecks();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
