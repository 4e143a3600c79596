/** What a local program cannot go on from, said so that the reader knows what to do. */

/** `message` is printed as it is, without a stack; one line but where it lists problems. */
export class LocalFailure extends Error {
  override readonly name: string = "LocalFailure";
}

/** The text to print for anything thrown: a failure's own words, or a bug's stack. */
export function describeFailure(error: unknown): string {
  if (error instanceof LocalFailure) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
