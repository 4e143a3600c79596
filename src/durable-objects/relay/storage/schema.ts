/** A relay's migrations, in order. */

import window from "../../../../migrations/relay/0001_window.sql";
import type { Migration } from "../../shared/migrate.ts";

export const RELAY_MIGRATIONS: readonly Migration[] = [{ name: "0001_window", sql: window }];
