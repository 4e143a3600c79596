/** `npm run example:<name>`: builds the library that the examples import, and runs one of them. */

import { buildLibrary } from "./build-library.ts";

buildLibrary();
await import(`../examples/${process.argv[2]}/main.ts`);
