-- Application states at seals. Immutable; whether one is accepted is a query, never a promotion (V1).

CREATE TABLE snapshots (
  snapshot_id           INTEGER PRIMARY KEY AUTOINCREMENT,
  -- NULL for the baseline: the genesis state, or what a rebuild recovered.
  batch_index           INTEGER UNIQUE REFERENCES batches(batch_index),
  -- Feed head at the seal: replay resumes after it.
  l2_tx_index           INTEGER NOT NULL CHECK (l2_tx_index >= 0),
  executed_input_count  INTEGER NOT NULL CHECK (executed_input_count >= 0),
  sha256                BLOB NOT NULL CHECK (length(sha256) = 32),
  state_bytes           INTEGER NOT NULL CHECK (state_bytes BETWEEN 0 AND 33554432),
  created_at_ms         INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX snapshots_one_baseline ON snapshots ((1)) WHERE batch_index IS NULL;

CREATE TRIGGER snapshots_immutable
BEFORE UPDATE ON snapshots
BEGIN
  SELECT RAISE(ABORT, 'V1: a snapshot is immutable');
END;

CREATE TRIGGER snapshots_frozen
BEFORE DELETE ON snapshots WHEN EXISTS (SELECT 1 FROM canonical_divergence)
BEGIN
  SELECT RAISE(ABORT, 'N15: divergence freezes the snapshots');
END;

CREATE TABLE snapshot_parts (
  snapshot_id  INTEGER NOT NULL REFERENCES snapshots(snapshot_id) ON DELETE CASCADE,
  part         INTEGER NOT NULL CHECK (part >= 0),
  bytes        BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 1048576),
  PRIMARY KEY (snapshot_id, part)
) STRICT;

-- What a wake-up or a rollback may restore from.
CREATE VIEW valid_snapshots AS
  SELECT s.* FROM snapshots s LEFT JOIN batches b ON b.batch_index = s.batch_index
  WHERE s.batch_index IS NULL OR b.invalidated_at_ms IS NULL;

-- Accepted states that equal the scheduler's at the end of an L1 block (V2). A rebuilt baseline is none:
-- it holds direct inputs that the scheduler executes with the next batch.
CREATE VIEW finalized_snapshots AS
  SELECT s.*, a.inclusion_block
  FROM snapshots s JOIN safe_accepted_batches a ON a.batch_index = s.batch_index
  WHERE NOT EXISTS (SELECT 1 FROM safe_accepted_batches later
                    WHERE later.inclusion_block = a.inclusion_block
                      AND later.safe_input_index > a.safe_input_index)
  UNION ALL
  SELECT s.*, 0 FROM snapshots s JOIN history h ON h.base_block = -1 WHERE s.batch_index IS NULL;

CREATE TRIGGER history_available_from_accepted
BEFORE UPDATE OF available_from ON history
WHEN NEW.available_from > (SELECT COALESCE(MAX(s.l2_tx_index), 0) FROM snapshots s
                           JOIN safe_accepted_batches a ON a.batch_index = s.batch_index)
BEGIN
  SELECT RAISE(ABORT, 'F8: nothing beyond the newest accepted snapshot is deleted');
END;
