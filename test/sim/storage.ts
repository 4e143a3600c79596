/**
 * A Durable Object's storage on SQLite in memory, as strict as the platform's, with turns.
 *
 * A turn is everything between two waits of the object. Its writes become durable together at its end,
 * and nothing leaves the object before: that is the platform's output gate. A crash gives up the turn,
 * with whatever it wanted to send. SQL, blobs, parameters and numbers are bounded as on the platform
 * (section 10); a cursor is read whole, which is what every caller does anyway.
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { assert, must } from "../../src/core/types/assert.ts";
import { BLOB_BYTES_MAX } from "../../src/core/types/protocol.ts";

const PARAMETERS_MAX = 100;

/** A statement that failed for no fault of its own. */
export class StorageFailure extends Error {
  override readonly name: string = "StorageFailure";
}

export class SimStorage {
  readonly #db = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();
  /** Known to be there; a turn that is given up may take them away again. */
  readonly #tables = new Set<string>();
  #isInTurn = false;
  #savepoints = 0;
  #alarm: { readonly atMs: number | null } = { atMs: null };
  #alarmBefore: { readonly atMs: number | null } = { atMs: null };
  /** Asked before each statement of the object; true makes it fail. */
  failsNext: () => boolean = () => false;

  /** For the object: in a turn, and able to fail. */
  readonly sql: SqlStorage = this.#platformSql((query, bindings) => this.#exec(query, bindings));
  readonly platform: DurableObjectStorage = this.#platformStorage();

  /** For the simulation itself, when it asks with the object's own queries. */
  readonly view: SqlStorage = this.#platformSql((query, bindings) =>
    cursorOver(this.#rows(query, bindings)),
  );

  /** For the simulation itself: rows as they are now, between turns or in one. */
  read(query: string, ...bindings: readonly SQLInputValue[]): readonly Record<string, unknown>[] {
    return this.#prepare(query).all(...bindings);
  }

  /** For the simulation itself, outside of turns: what an operator does. */
  write(query: string): void {
    this.#db.exec(query);
  }

  hasTable(name: string): boolean {
    if (this.#tables.has(name)) return true;
    const isThere = this.read("SELECT 1 FROM sqlite_schema WHERE name = ?", name).length > 0;
    if (isThere) this.#tables.add(name);
    return isThere;
  }

  /** Rows changed since the database was opened. */
  get changes(): number {
    return Number(must(this.read("SELECT total_changes() AS n")[0], "one row")["n"]);
  }

  get alarmMs(): number | null {
    return this.#alarm.atMs;
  }

  /** The platform takes an alarm away when it runs it. */
  takeAlarm(): void {
    this.#open();
    this.#alarm = { atMs: null };
  }

  /** Makes the turn's writes durable. */
  commitTurn(): void {
    assert(this.#savepoints === 0, "a transaction ends with its turn");
    if (this.#isInTurn) this.#run("COMMIT");
    this.#isInTurn = false;
    this.#alarmBefore = this.#alarm;
  }

  /** The turn never happened. */
  abandonTurn(): void {
    if (this.#isInTurn) this.#run("ROLLBACK");
    this.#isInTurn = false;
    this.#tables.clear();
    this.#alarm = this.#alarmBefore;
  }

  close(): void {
    this.#db.close();
  }

  #open(): void {
    if (this.#isInTurn) return;
    this.#run("BEGIN");
    this.#isInTurn = true;
  }

  #run(statement: string): void {
    this.#prepare(statement).run();
  }

  #prepare(query: string): StatementSync {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(query);
    this.#statements.set(query, statement);
    return statement;
  }

  #exec(query: string, bindings: readonly unknown[]): SqlStorageCursor<Row> {
    this.#open();
    if (this.failsNext()) throw new StorageFailure("the storage failed");
    assert(bindings.length <= PARAMETERS_MAX, "a statement has at most 100 parameters");
    if (!this.#statements.has(query) && isScript(query)) {
      assert(bindings.length === 0, "a script has no parameters");
      this.#db.exec(query);
      return cursorOver([]);
    }
    return cursorOver(this.#rows(query, bindings));
  }

  #rows(query: string, bindings: readonly unknown[]): readonly Row[] {
    return this.#prepare(query)
      .all(...bindings.map(toParameter))
      .map(toRow);
  }

  #transactionSync<T>(work: () => T): T {
    this.#open();
    const name = `level_${this.#savepoints}`;
    this.#run(`SAVEPOINT ${name}`);
    this.#savepoints += 1;
    try {
      const value = work();
      this.#run(`RELEASE ${name}`);
      return value;
    } catch (error) {
      this.#run(`ROLLBACK TO ${name}`);
      this.#run(`RELEASE ${name}`);
      throw error;
    } finally {
      this.#savepoints -= 1;
    }
  }

  #databaseSize(): number {
    const pages = must(this.read("PRAGMA page_count")[0], "one row")["page_count"];
    const bytes = must(this.read("PRAGMA page_size")[0], "one row")["page_size"];
    return Number(pages) * Number(bytes);
  }

  #platformSql(
    run: (query: string, bindings: readonly unknown[]) => SqlStorageCursor<Row>,
  ): SqlStorage {
    const size = () => this.#databaseSize();
    return asPlatform<SqlStorage>({
      exec: (query: string, ...bindings: readonly unknown[]) => run(query, bindings),
      get databaseSize() {
        return size();
      },
    });
  }

  #platformStorage(): DurableObjectStorage {
    return asPlatform<DurableObjectStorage>({
      sql: this.sql,
      transactionSync: <T>(work: () => T): T => this.#transactionSync(work),
      getAlarm: () => Promise.resolve(this.#alarm.atMs),
      setAlarm: (at: number | Date) => {
        this.#open();
        this.#alarm = { atMs: Number(at) };
        return Promise.resolve();
      },
    });
  }
}

type Row = Record<string, SqlStorageValue>;

/** The parts of a platform type that the object uses: anything else is a type error of its own. */
export function asPlatform<T>(parts: unknown): T {
  return parts as T;
}

/** Whether the text holds more than one statement, as a migration does. */
function isScript(query: string): boolean {
  return /;\s*\S/.test(query);
}

/** The platform binds null, text, bytes and doubles; a bigint or an unsafe integer is refused here. */
function toParameter(value: unknown): SQLInputValue {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "number") {
    assert(Number.isFinite(value), "a parameter is a finite number");
    assert(!Number.isInteger(value) || Number.isSafeInteger(value), "S7: a safe integer");
    return value;
  }
  const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
  assert(bytes instanceof Uint8Array, "a parameter is null, text, a number or bytes");
  assert(bytes.length <= BLOB_BYTES_MAX, "section 10: a blob is at most 1 MiB");
  return bytes;
}

/** In place: the row is nobody else's, and a simulation reads millions of them. */
function toRow(row: Record<string, unknown>): Row {
  for (const name in row) {
    const value = row[name];
    if (value instanceof Uint8Array) row[name] = value.slice().buffer;
    else if (typeof value !== "number") {
      assert(
        value === null || typeof value === "string",
        "a value is null, text, a number or bytes",
      );
    }
  }
  return row as Row;
}

class Cursor {
  readonly rowsWritten = 0;
  readonly #rows: readonly Row[];

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
  }

  get rowsRead(): number {
    return this.#rows.length;
  }

  toArray(): readonly Row[] {
    return this.#rows;
  }

  one(): Row {
    assert(this.#rows.length === 1, "one() has exactly one row");
    return must(this.#rows[0], "there is one");
  }

  [Symbol.iterator](): Iterator<Row> {
    return this.#rows.values();
  }
}

const cursorOver = (rows: readonly Row[]) => asPlatform<SqlStorageCursor<Row>>(new Cursor(rows));
