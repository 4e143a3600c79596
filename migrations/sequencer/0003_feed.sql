-- The feed and the log: what readers replay and what a replica rebuilds from.
--
-- An op's row is appended by a trigger, so that no op is included without its place in the feed. The
-- lane appends direct inputs; recovery appends rollbacks.

CREATE TABLE rollbacks (
  generation          INTEGER PRIMARY KEY CHECK (generation >= 1),
  keep_through        INTEGER NOT NULL CHECK (keep_through >= 0),
  pivot_batch_nonce   INTEGER NOT NULL CHECK (pivot_batch_nonce >= 0),
  created_at_ms       INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: an offset is never given twice, not even when the last row is deleted (F1).
CREATE TABLE sequenced_l2_txs (
  offset               INTEGER PRIMARY KEY AUTOINCREMENT CHECK (offset BETWEEN 1 AND 9007199254740991),
  batch_index          INTEGER,
  frame_in_batch       INTEGER,
  user_op_pos          INTEGER,
  safe_input_index     INTEGER REFERENCES safe_inputs(safe_input_index),
  rollback_generation  INTEGER UNIQUE REFERENCES rollbacks(generation),
  FOREIGN KEY (batch_index, frame_in_batch) REFERENCES frames(batch_index, frame_in_batch),
  FOREIGN KEY (batch_index, frame_in_batch, user_op_pos)
    REFERENCES user_ops(batch_index, frame_in_batch, pos_in_frame),
  CHECK ((user_op_pos IS NOT NULL) + (safe_input_index IS NOT NULL)
         + (rollback_generation IS NOT NULL) = 1),
  CHECK ((batch_index IS NULL) = (rollback_generation IS NOT NULL)),
  CHECK ((frame_in_batch IS NULL) = (rollback_generation IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX sequenced_l2_txs_op
  ON sequenced_l2_txs (batch_index, frame_in_batch, user_op_pos) WHERE user_op_pos IS NOT NULL;
CREATE INDEX sequenced_l2_txs_direct
  ON sequenced_l2_txs (safe_input_index) WHERE safe_input_index IS NOT NULL;
-- Says which frames of the open batch drained something, without reading the whole feed for it.
CREATE INDEX sequenced_l2_txs_drained
  ON sequenced_l2_txs (batch_index, frame_in_batch) WHERE safe_input_index IS NOT NULL;

CREATE TRIGGER trg_sequence_user_op
AFTER INSERT ON user_ops
BEGIN
  INSERT INTO sequenced_l2_txs (batch_index, frame_in_batch, user_op_pos)
  VALUES (NEW.batch_index, NEW.frame_in_batch, NEW.pos_in_frame);
END;

CREATE TRIGGER sequenced_l2_txs_append
BEFORE INSERT ON sequenced_l2_txs
BEGIN
  SELECT RAISE(ABORT, 'N16: a record belongs to the open batch')
  WHERE NEW.batch_index IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM batches WHERE batch_index = NEW.batch_index
                    AND sealed_at_ms IS NULL AND invalidated_at_ms IS NULL);
  SELECT RAISE(ABORT, 'N11: own batches take no offset')
  WHERE NEW.safe_input_index IS NOT NULL
    AND (SELECT sender FROM safe_inputs WHERE safe_input_index = NEW.safe_input_index)
      IS (SELECT submitter FROM deployment_identity WHERE singleton = 0);
  SELECT RAISE(ABORT, 'N2: a frame drains nothing beyond its block')
  WHERE NEW.safe_input_index IS NOT NULL
    AND (SELECT block_number FROM safe_inputs WHERE safe_input_index = NEW.safe_input_index)
      > (SELECT safe_block FROM frames WHERE batch_index = NEW.batch_index
         AND frame_in_batch = NEW.frame_in_batch);
END;

CREATE TRIGGER sequenced_l2_txs_immutable
BEFORE UPDATE ON sequenced_l2_txs
BEGIN
  SELECT RAISE(ABORT, 'F1: a record is immutable');
END;

CREATE TRIGGER sequenced_l2_txs_retained
BEFORE DELETE ON sequenced_l2_txs
WHEN OLD.offset > (SELECT available_from FROM history WHERE singleton = 0)
BEGIN
  SELECT RAISE(ABORT, 'F8: only history below available_from is deleted');
END;

-- Rows of valid batches, and every rollback: what a replay sends (F3).
CREATE VIEW valid_sequenced_l2_txs AS
  SELECT s.* FROM sequenced_l2_txs s LEFT JOIN batches b ON b.batch_index = s.batch_index
  WHERE s.rollback_generation IS NOT NULL OR b.invalidated_at_ms IS NULL;

-- N18: first the rollback's row, then the generation that it begins, then its record in the feed. Each
-- step needs the one before, so none is without the others once the record is there.
CREATE TRIGGER rollbacks_begin_a_generation
BEFORE INSERT ON rollbacks
BEGIN
  SELECT RAISE(ABORT, 'N18: a rollback begins the next generation')
  WHERE NEW.generation IS NOT (SELECT generation + 1 FROM history WHERE singleton = 0);
  SELECT RAISE(ABORT, 'F3: a rollback voids all from its pivot on')
  WHERE EXISTS (SELECT 1 FROM batches
                WHERE invalidated_at_ms IS NULL AND nonce >= NEW.pivot_batch_nonce);
  SELECT RAISE(ABORT, 'F3: nothing valid is beyond what is kept')
  WHERE EXISTS (SELECT 1 FROM valid_sequenced_l2_txs
                WHERE offset > NEW.keep_through AND rollback_generation IS NULL);
END;

CREATE TRIGGER history_generation_has_its_rollback
BEFORE UPDATE OF generation ON history
WHEN NOT EXISTS (SELECT 1 FROM rollbacks WHERE generation = NEW.generation)
BEGIN
  SELECT RAISE(ABORT, 'N18: a generation begins with a rollback');
END;

CREATE TRIGGER sequenced_l2_txs_rollback_of_now
BEFORE INSERT ON sequenced_l2_txs
WHEN NEW.rollback_generation IS NOT NULL
  AND NEW.rollback_generation IS NOT (SELECT generation FROM history WHERE singleton = 0)
BEGIN
  SELECT RAISE(ABORT, 'N18: a rollback is told in the generation that it begins');
END;

CREATE TRIGGER rollbacks_immutable
BEFORE UPDATE ON rollbacks
BEGIN
  SELECT RAISE(ABORT, 'N18: a rollback is immutable');
END;

CREATE TRIGGER rollbacks_undeletable
BEFORE DELETE ON rollbacks
BEGIN
  SELECT RAISE(ABORT, 'N18: rollbacks are append-only');
END;

-- C1: each commit of the lane is one chunk, or several where one would pass 1 MiB.
CREATE TABLE chunks (
  height        INTEGER PRIMARY KEY CHECK (height >= 0),
  epoch         INTEGER NOT NULL CHECK (epoch >= 0),
  -- SHA-256 of the header's preimage: the parent of the next chunk.
  hash          BLOB NOT NULL CHECK (length(hash) = 32),
  header        BLOB NOT NULL,
  -- Canonical bytes of the events, one after the other; each delimits itself.
  events        BLOB NOT NULL CHECK (length(events) <= 1048576),
  first_offset  INTEGER NOT NULL CHECK (first_offset >= 1),
  next_offset   INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  CHECK (next_offset >= first_offset)
) STRICT;

-- Finds the chunk of an offset, and what retention may delete.
CREATE INDEX chunks_next_offset ON chunks (next_offset);

CREATE TRIGGER chunks_linked
BEFORE INSERT ON chunks
WHEN EXISTS (SELECT 1 FROM chunks)
  AND (NEW.height IS NOT (SELECT MAX(height) + 1 FROM chunks)
       OR NEW.first_offset < (SELECT next_offset FROM chunks ORDER BY height DESC LIMIT 1))
BEGIN
  SELECT RAISE(ABORT, 'C1: chunks are contiguous');
END;

CREATE TRIGGER chunks_immutable
BEFORE UPDATE ON chunks
BEGIN
  SELECT RAISE(ABORT, 'C1: a chunk is immutable');
END;

CREATE TRIGGER chunks_retained
BEFORE DELETE ON chunks
WHEN OLD.next_offset > (SELECT available_from + 1 FROM history WHERE singleton = 0)
BEGIN
  SELECT RAISE(ABORT, 'F8: only history below available_from is deleted');
END;
