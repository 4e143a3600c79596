/** Which validator of which deployment this object is: told by its first caller, kept for its alarms. */

import type { Address } from "../../../core/types/hex.ts";
import { addressOf, first, toBlob } from "../../sequencer/storage/rows.ts";

export type MemberIdentity = {
  readonly chainId: number;
  readonly app: Address;
  readonly name: string;
};

export function loadIdentity(sql: SqlStorage): MemberIdentity | null {
  const row = first(
    sql.exec<{ chain_id: number; app: ArrayBuffer; name: string }>(
      "SELECT chain_id, app, name FROM member_identity WHERE singleton = 0",
    ),
  );
  return row === null ? null : { chainId: row.chain_id, app: addressOf(row.app), name: row.name };
}

export function insertIdentity(sql: SqlStorage, { chainId, app, name }: MemberIdentity): void {
  sql.exec("INSERT INTO member_identity VALUES (0, ?, ?, ?)", chainId, toBlob(app), name);
}
