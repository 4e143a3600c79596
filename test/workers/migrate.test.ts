/** Migrations on a real object: applied once, in order, and never changed behind its back (T8). */

import { expect, test } from "vitest";
import { SEQUENCER_MIGRATIONS } from "../../src/durable-objects/sequencer/storage/schema.ts";
import { migrate } from "../../src/durable-objects/shared/migrate.ts";
import { foundWithUsers } from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";

const names = (rig: Rig, type: string) =>
  rig.sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL ORDER BY name",
      type,
    )
    .toArray()
    .map(({ name }) => name);

/** A later migration may drop one, or write it anew under the same name. */
const written = (kind: string): readonly string[] => {
  const pattern = new RegExp(`(CREATE|DROP) (?:UNIQUE )?${kind} (\\w+)`, "g");
  const there = new Set<string>();
  for (const [, verb, name = ""] of SEQUENCER_MIGRATIONS.flatMap(({ sql }) => [
    ...sql.matchAll(pattern),
  ])) {
    if (verb === "CREATE") there.add(name);
    else there.delete(name);
  }
  return [...there].sort();
};

test("[T8] an object has every trigger, index and view that they write, and no other", () =>
  withRig((rig) => {
    expect(names(rig, "trigger")).toEqual(written("TRIGGER"));
    expect(names(rig, "index")).toEqual(written("INDEX"));
    expect(names(rig, "view")).toEqual(written("VIEW"));
  }));

test("[T8] applied again they change nothing", () =>
  withRig((rig) => {
    foundWithUsers(rig, 1);
    const before = rig.sql.exec("SELECT * FROM schema_migrations").toArray();
    migrate(rig.state.storage, SEQUENCER_MIGRATIONS);
    expect(rig.sql.exec("SELECT * FROM schema_migrations").toArray()).toEqual(before);
    expect(before).toHaveLength(SEQUENCER_MIGRATIONS.length);
  }));

test("[T8] a changed text, another name or another order is refused", () =>
  withRig((rig) => {
    const [first, second, ...rest] = SEQUENCER_MIGRATIONS;
    if (first === undefined || second === undefined) return expect.unreachable("there are two");
    for (const other of [
      [{ ...first, sql: `${first.sql} ` }, second, ...rest],
      [{ ...first, name: "0001_other" }, second, ...rest],
      [second, first, ...rest],
    ]) {
      expect(() => migrate(rig.state.storage, other)).toThrow("is frozen");
    }
  }));

test("[T8] a database that is newer than the code is refused", () =>
  withRig((rig) => {
    const older = SEQUENCER_MIGRATIONS.slice(0, -1);
    expect(() => migrate(rig.state.storage, older)).toThrow("no newer than the code");
  }));

test("[T8] one that fails leaves nothing of itself, and the next start applies it", () =>
  withRig((rig) => {
    const next = {
      name: "0099_next",
      sql: "CREATE TABLE next (a INTEGER) STRICT; SELECT nothing;",
    };
    const all = [...SEQUENCER_MIGRATIONS, next];
    expect(() => migrate(rig.state.storage, all)).toThrow("nothing");
    expect(names(rig, "table")).not.toContain("next");
    const mended = { ...next, sql: "CREATE TABLE next (a INTEGER) STRICT" };
    migrate(rig.state.storage, [...SEQUENCER_MIGRATIONS, mended]);
    expect(names(rig, "table")).toContain("next");
  }));
