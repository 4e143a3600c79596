/** The order of test files: a long one that begins late runs on alone when all the others are done. */

import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The longest of each project. The others are short enough for any order. */
const LONGEST = [
  ...["sim/sim", "consensus/sim", "sim/replica", "sim/replica-epochs", "node/crypto-differential"],
  ...["workers/failover-snapshot", "workers/failover-automatic", "workers/committee-certify"],
  ...["workers/failover-transfer", "workers/failover-posting", "workers/committee-bound"],
  ...["e2e/local-start", "e2e/slow-reader", "e2e/recovery-l1-down", "e2e/recovery-readers"],
  ...["e2e/cli", "e2e/package", "e2e/recovery-flush", "e2e/committee-kills"],
].map((name) => `/test/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const found = LONGEST.findIndex((end) => moduleId.endsWith(end));
  return found < 0 ? LONGEST.length : found;
}
