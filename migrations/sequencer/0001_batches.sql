-- Batches, frames and user ops: the promised order.
--
-- The lane inserts and seals; recovery invalidates. Each write-once column has one writer. "Open" is
-- derived: the one batch that is neither sealed nor invalidated. There is no status column.

CREATE TABLE history (
  singleton            INTEGER PRIMARY KEY CHECK (singleton = 0),
  -- UUIDv4 made with the genesis or the rebuild transaction (F5).
  era                  BLOB NOT NULL CHECK (length(era) = 16),
  era_created_at_ms    INTEGER NOT NULL,
  -- Nonce of the parentless root: 0, or where a rebuild resumed.
  anchor_nonce         INTEGER NOT NULL CHECK (anchor_nonce BETWEEN 0 AND 9007199254740991),
  generation           INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
  -- Feed records at or below this offset are deleted (F8).
  available_from       INTEGER NOT NULL DEFAULT 0 CHECK (available_from >= 0),
  -- The L1 block at whose end the baseline stands: everything up to it is in the baseline (R5). -1 for
  -- a genesis.
  base_block           INTEGER NOT NULL DEFAULT -1 CHECK (base_block BETWEEN -1 AND 9007199254740991),
  base_block_hash      BLOB CHECK (base_block_hash IS NULL OR length(base_block_hash) = 32),
  -- InputBox's number of inputs at the end of that block.
  base_input_count     INTEGER NOT NULL DEFAULT 0 CHECK (base_input_count >= 0),
  CHECK ((base_block = -1) = (base_block_hash IS NULL))
) STRICT;

CREATE TRIGGER history_era_immutable
BEFORE UPDATE OF era, era_created_at_ms, anchor_nonce, base_block, base_block_hash, base_input_count
ON history
BEGIN
  SELECT RAISE(ABORT, 'N18: the era is immutable');
END;

CREATE TRIGGER history_generation_steps
BEFORE UPDATE OF generation ON history WHEN NEW.generation <> OLD.generation + 1
BEGIN
  SELECT RAISE(ABORT, 'N18: a generation follows its predecessor');
END;

CREATE TRIGGER history_available_from_rises
BEFORE UPDATE OF available_from ON history WHEN NEW.available_from < OLD.available_from
BEGIN
  SELECT RAISE(ABORT, 'F8: deleted history does not come back');
END;

CREATE TABLE batches (
  -- Order of creation, never reused.
  batch_index         INTEGER PRIMARY KEY CHECK (batch_index >= 0),
  -- NULL for the root only.
  parent_batch_index  INTEGER REFERENCES batches(batch_index),
  -- Depth in the batch tree; reused after a rollback.
  nonce               INTEGER NOT NULL CHECK (nonce BETWEEN 0 AND 9007199254740991),
  created_at_ms       INTEGER NOT NULL,
  sealed_at_ms        INTEGER,
  -- keccak256 of the SSZ bytes, stamped by the UPDATE that seals, from the bytes that will be sent.
  payload_hash        BLOB CHECK (payload_hash IS NULL OR length(payload_hash) = 32),
  payload_bytes       INTEGER CHECK (payload_bytes IS NULL OR payload_bytes BETWEEN 12 AND 65216),
  invalidated_at_ms   INTEGER,
  CHECK ((sealed_at_ms IS NULL) = (payload_hash IS NULL)),
  CHECK ((sealed_at_ms IS NULL) = (payload_bytes IS NULL))
) STRICT;

-- At most one batch is open.
CREATE UNIQUE INDEX batches_one_open
  ON batches ((1)) WHERE sealed_at_ms IS NULL AND invalidated_at_ms IS NULL;

-- A nonce has one valid batch.
CREATE UNIQUE INDEX batches_valid_nonce ON batches (nonce) WHERE invalidated_at_ms IS NULL;

CREATE TRIGGER batches_nonce_contiguous
AFTER INSERT ON batches
BEGIN
  SELECT RAISE(ABORT, 'N16: a root batch carries the anchor nonce')
  WHERE NEW.parent_batch_index IS NULL
    AND NEW.nonce IS NOT (SELECT anchor_nonce FROM history WHERE singleton = 0);
  SELECT RAISE(ABORT, 'N16: a batch nonce follows its parent')
  WHERE NEW.parent_batch_index IS NOT NULL
    AND NEW.nonce IS NOT (SELECT nonce + 1 FROM batches WHERE batch_index = NEW.parent_batch_index);
  SELECT RAISE(ABORT, 'N16: one valid root')
  WHERE NEW.parent_batch_index IS NULL
    AND (SELECT COUNT(*) FROM batches
         WHERE parent_batch_index IS NULL AND invalidated_at_ms IS NULL) > 1;
END;

CREATE TRIGGER batches_identity_immutable
BEFORE UPDATE OF batch_index, parent_batch_index, nonce, created_at_ms ON batches
BEGIN
  SELECT RAISE(ABORT, 'N16: a batch keeps its place in the tree');
END;

CREATE TRIGGER batches_sealed_once
BEFORE UPDATE OF sealed_at_ms, payload_hash, payload_bytes ON batches
WHEN OLD.sealed_at_ms IS NOT NULL OR OLD.invalidated_at_ms IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'N9: a sealed batch is immutable');
END;

CREATE TRIGGER batches_invalidated_once
BEFORE UPDATE OF invalidated_at_ms ON batches WHEN OLD.invalidated_at_ms IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'N9: nothing is un-voided');
END;

CREATE TRIGGER batches_undeletable
BEFORE DELETE ON batches
BEGIN
  SELECT RAISE(ABORT, 'N16: the batch tree is append-only');
END;

CREATE TABLE frames (
  batch_index     INTEGER NOT NULL REFERENCES batches(batch_index),
  frame_in_batch  INTEGER NOT NULL CHECK (frame_in_batch >= 0),
  created_at_ms   INTEGER NOT NULL,
  fee             INTEGER NOT NULL CHECK (fee BETWEEN 0 AND 17101),
  safe_block      INTEGER NOT NULL CHECK (safe_block BETWEEN 0 AND 9007199254740991),
  PRIMARY KEY (batch_index, frame_in_batch)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER frames_target_open_batch
BEFORE INSERT ON frames
BEGIN
  SELECT RAISE(ABORT, 'N16: a frame opens in the open batch')
  WHERE NOT EXISTS (SELECT 1 FROM batches WHERE batch_index = NEW.batch_index
                    AND sealed_at_ms IS NULL AND invalidated_at_ms IS NULL);
  SELECT RAISE(ABORT, 'N2: frames are numbered without gaps')
  WHERE NEW.frame_in_batch IS NOT
    (SELECT COALESCE(MAX(frame_in_batch) + 1, 0) FROM frames WHERE batch_index = NEW.batch_index);
  SELECT RAISE(ABORT, 'N3: frame clocks do not go back')
  WHERE NEW.safe_block < (
    SELECT f.safe_block FROM frames f JOIN batches b USING (batch_index)
    WHERE b.invalidated_at_ms IS NULL
    ORDER BY f.batch_index DESC, f.frame_in_batch DESC LIMIT 1);
END;

CREATE TRIGGER frames_immutable
BEFORE UPDATE ON frames
BEGIN
  SELECT RAISE(ABORT, 'N2: a frame is immutable');
END;

CREATE TRIGGER frames_undeletable
BEFORE DELETE ON frames
BEGIN
  SELECT RAISE(ABORT, 'N2: frames are append-only');
END;

CREATE TABLE user_ops (
  batch_index     INTEGER NOT NULL,
  frame_in_batch  INTEGER NOT NULL,
  pos_in_frame    INTEGER NOT NULL CHECK (pos_in_frame >= 0),
  sender          BLOB NOT NULL CHECK (length(sender) = 20),
  nonce           INTEGER NOT NULL CHECK (nonce BETWEEN 0 AND 4294967295),
  max_fee         INTEGER NOT NULL CHECK (max_fee BETWEEN 0 AND 65535),
  data            BLOB NOT NULL,
  sig             BLOB NOT NULL CHECK (length(sig) = 65),
  received_at_ms  INTEGER NOT NULL,
  PRIMARY KEY (batch_index, frame_in_batch, pos_in_frame),
  FOREIGN KEY (batch_index, frame_in_batch) REFERENCES frames(batch_index, frame_in_batch)
) STRICT, WITHOUT ROWID;

-- Not unique on purpose: after a rollback a nonce may be used again (I4).
CREATE INDEX user_ops_sender ON user_ops (sender, nonce);

CREATE TRIGGER user_ops_target_open_frame
BEFORE INSERT ON user_ops
BEGIN
  SELECT RAISE(ABORT, 'N16: an op is included in the open batch')
  WHERE NOT EXISTS (SELECT 1 FROM batches WHERE batch_index = NEW.batch_index
                    AND sealed_at_ms IS NULL AND invalidated_at_ms IS NULL);
  SELECT RAISE(ABORT, 'N2: an op is included in the last frame')
  WHERE EXISTS (SELECT 1 FROM frames WHERE batch_index = NEW.batch_index
                AND frame_in_batch > NEW.frame_in_batch);
END;

CREATE TRIGGER user_ops_immutable
BEFORE UPDATE ON user_ops
BEGIN
  SELECT RAISE(ABORT, 'N2: an included op is immutable');
END;

-- Readers use the views; only writers name the table.
CREATE VIEW valid_batches AS
  SELECT * FROM batches WHERE invalidated_at_ms IS NULL;

CREATE VIEW valid_closed_batches AS
  SELECT * FROM batches WHERE invalidated_at_ms IS NULL AND sealed_at_ms IS NOT NULL;

-- Its index holds one row; without being told, the planner walks through every valid batch.
CREATE VIEW valid_open_batch AS
  SELECT * FROM batches INDEXED BY batches_one_open
  WHERE sealed_at_ms IS NULL AND invalidated_at_ms IS NULL;
