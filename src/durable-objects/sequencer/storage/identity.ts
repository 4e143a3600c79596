/** Which deployment this database belongs to: pinned on first contact with L1, compared on every wake. */

import type { Address } from "../../../core/types/hex.ts";
import { type BlockNumber, blockNumber } from "../../../core/types/units.ts";
import { addressOf, first, toBlob } from "./rows.ts";

export type DeploymentIdentity = {
  readonly chainId: number;
  readonly app: Address;
  readonly inputBox: Address;
  readonly inputBoxBlock: BlockNumber;
  readonly submitter: Address;
  readonly application: string;
  /** JSON of the application's public configuration. */
  readonly applicationConfig: string;
};

type Row = {
  chain_id: number;
  app: ArrayBuffer;
  input_box: ArrayBuffer;
  input_box_block: number;
  submitter: ArrayBuffer;
  application: string;
  application_config: string;
};

export function loadIdentity(sql: SqlStorage): DeploymentIdentity | null {
  const row = first(
    sql.exec<Row>(
      `SELECT chain_id, app, input_box, input_box_block, submitter, application, application_config
       FROM deployment_identity WHERE singleton = 0`,
    ),
  );
  if (row === null) return null;
  return {
    chainId: row.chain_id,
    app: addressOf(row.app),
    inputBox: addressOf(row.input_box),
    inputBoxBlock: blockNumber(row.input_box_block),
    submitter: addressOf(row.submitter),
    application: row.application,
    applicationConfig: row.application_config,
  };
}

export function insertIdentity(sql: SqlStorage, identity: DeploymentIdentity): void {
  sql.exec(
    "INSERT INTO deployment_identity VALUES (0, ?, ?, ?, ?, ?, ?, ?)",
    identity.chainId,
    toBlob(identity.app),
    toBlob(identity.inputBox),
    identity.inputBoxBlock,
    toBlob(identity.submitter),
    identity.application,
    identity.applicationConfig,
  );
}
