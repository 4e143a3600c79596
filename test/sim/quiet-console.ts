/** What the object logs goes into the run's own record instead of the terminal. */

export async function withQuietConsole<T>(
  sink: (line: string) => void,
  run: () => Promise<T>,
): Promise<T> {
  const { log, warn, error } = console;
  const note = (line: unknown): void => sink(String(line));
  Object.assign(console, { log: note, warn: note, error: note });
  try {
    return await run();
  } finally {
    Object.assign(console, { log, warn, error });
  }
}
