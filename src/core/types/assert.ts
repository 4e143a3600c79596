/** Assertions on invariants: never on input, never on the environment (a clock may go backwards). */

/** A broken invariant: a bug or corrupt storage. Whoever catches it stops serving. */
export class InvariantError extends Error {
  override readonly name: string = "InvariantError";
}

/** Throws `InvariantError` unless `condition`. `message` states the invariant, not the failure. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The value, when the contract rules out its absence. */
export function must<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new InvariantError(message);
  return value;
}

/** The `default:` of an exhaustive switch: a new variant fails to compile here. */
export function unreachable(value: never): never {
  throw new InvariantError(`unhandled variant: ${JSON.stringify(value)}`);
}
