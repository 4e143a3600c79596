/**
 * The one function that logs: structured fields, no interpolation.
 *
 * Callers pass numbers, short reasons and public identities; never request bytes, secrets, URLs or a
 * provider's text. Correctness never depends on a log line.
 */

export type LogFields = Readonly<Record<string, string | number | boolean | null>> & {
  /** The line's own. */
  readonly level?: never;
  readonly event?: never;
};

export function log(level: "info" | "warn" | "error", event: string, fields: LogFields): void {
  const line = JSON.stringify({ level, event, ...fields });
  if (level === "error") console.error(line);
  else if (level === "warn") console.warn(line);
  else console.log(line);
}

/** The name of a caught error, which carries no request or provider text. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
