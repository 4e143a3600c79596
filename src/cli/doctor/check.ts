/** One finding of `baton doctor`: what was looked at, how it is, why, and what to do about it. */

export type Verdict = "ok" | "warn" | "fail" | "skip";

export type Check = {
  /** A word or two, the same in every run. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly says: string;
  /** Null where there is nothing to do. */
  readonly advice: string | null;
};

export function ok(name: string, says: string): Check {
  return { name, verdict: "ok", says, advice: null };
}

export function warn(name: string, says: string, advice: string): Check {
  return { name, verdict: "warn", says, advice };
}

export function fail(name: string, says: string, advice: string): Check {
  return { name, verdict: "fail", says, advice };
}

/** Not looked at; `says` is why. */
export function skip(name: string, says: string): Check {
  return { name, verdict: "skip", says, advice: null };
}

export function formatCheck({ name, verdict, says, advice }: Check): string {
  const mark = { ok: "ok  ", warn: "warn", fail: "FAIL", skip: "-   " }[verdict];
  return `${mark}  ${name.padEnd(13)} ${says}${advice === null ? "" : `: ${advice}`}`;
}
