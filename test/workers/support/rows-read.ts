/** A database that counts the rows which its statements read and write, as the platform counts and bills them. */

export function countingSql(real: SqlStorage): {
  readonly sql: SqlStorage;
  readonly rowsRead: () => number;
  readonly rowsWritten: () => number;
} {
  const cursors: { readonly rowsRead: number; readonly rowsWritten: number }[] = [];
  const sql = {
    exec: (query: string, ...bindings: unknown[]) => {
      const cursor = real.exec(query, ...bindings);
      cursors.push(cursor);
      return cursor;
    },
    get databaseSize() {
      return real.databaseSize;
    },
  } as SqlStorage;
  return {
    sql,
    rowsRead: () => cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
    rowsWritten: () => cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
  };
}
