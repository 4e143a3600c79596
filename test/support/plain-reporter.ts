/**
 * Counts the tests of one vitest run and appends the totals to the file named by `BATON_TOTALS`.
 *
 * A skipped test counts as failed: a suite that silently does less than it says is not green. Only
 * what `-t` leaves out is not counted at all. Without the variable the totals are printed.
 */

import { appendFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from "vitest/node";

/** One line of the totals file, as JSON. */
export type Totals = { readonly passed: number; readonly failed: number };

// The default export is how vitest finds a reporter that is named by its path.
export default class PlainReporter implements Reporter {
  #chosen: RegExp | null = null;

  onInit(vitest: Vitest): void {
    this.#chosen = vitest.config.testNamePattern ?? null;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const all = modules.map((module) => this.#totals(module));
    const totals: Totals = {
      passed: sum(all.map((one) => one.passed)),
      failed: sum(all.map((one) => one.failed)) + errors.length,
    };
    const file = process.env["BATON_TOTALS"];
    if (file === undefined) console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
    else appendFileSync(file, `${JSON.stringify(totals)}\n`);
  }

  #totals(module: TestModule): Totals {
    const tests = [...module.children.allTests()].filter((test) => this.#isChosen(test));
    const passed = tests.filter((test) => test.result().state === "passed").length;
    for (const test of tests) {
      if (test.result().state === "skipped") console.log(`skipped: ${test.fullName}`);
    }
    const failed = tests.length - passed;
    // A file that does not load, or a hook that fails after its tests, has an error but no failed test.
    return { passed, failed: failed === 0 && hasOwnError(module) ? 1 : failed };
  }

  #isChosen(test: TestCase): boolean {
    return this.#chosen === null || this.#chosen.test(test.fullName.replaceAll(" > ", " "));
  }
}

function hasOwnError(module: TestModule): boolean {
  const suites: readonly (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return suites.some((suite) => suite.errors().length > 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
