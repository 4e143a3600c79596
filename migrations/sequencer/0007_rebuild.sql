-- Rebuilding into an empty object (R5): what is uploaded waits here until the last part of it is there.

-- Why there is no genesis: L1 accepted a batch of this submitter before this database began. The reader
-- writes it, once; it says nothing any more when a history is there.
CREATE TABLE previous_instance (
  singleton         INTEGER PRIMARY KEY CHECK (singleton = 0),
  safe_input_index  INTEGER NOT NULL REFERENCES safe_inputs(safe_input_index)
) STRICT;

-- The upload in progress. Starting another one replaces it.
CREATE TABLE rebuild_uploads (
  singleton             INTEGER PRIMARY KEY CHECK (singleton = 0),
  -- Names the upload, so that a part of another one is known as such.
  upload_id             BLOB NOT NULL CHECK (length(upload_id) = 16),
  anchor_nonce          INTEGER NOT NULL CHECK (anchor_nonce BETWEEN 0 AND 9007199254740991),
  base_block            INTEGER NOT NULL CHECK (base_block BETWEEN 0 AND 9007199254740991),
  base_block_hash       BLOB NOT NULL CHECK (length(base_block_hash) = 32),
  base_input_count      INTEGER NOT NULL CHECK (base_input_count >= 0),
  executed_input_count  INTEGER NOT NULL CHECK (executed_input_count >= 0),
  state_bytes           INTEGER NOT NULL CHECK (state_bytes BETWEEN 1 AND 33554432),
  sha256                BLOB NOT NULL CHECK (length(sha256) = 32)
) STRICT;

CREATE TABLE rebuild_parts (
  part   INTEGER PRIMARY KEY CHECK (part BETWEEN 0 AND 31),
  bytes  BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 1048576)
) STRICT;

CREATE TRIGGER rebuild_parts_in_order
BEFORE INSERT ON rebuild_parts
WHEN NEW.part IS NOT (SELECT COUNT(*) FROM rebuild_parts)
BEGIN
  SELECT RAISE(ABORT, 'R5: parts come in order');
END;

CREATE TRIGGER rebuild_uploads_into_nothing
BEFORE INSERT ON rebuild_uploads WHEN EXISTS (SELECT 1 FROM history)
BEGIN
  SELECT RAISE(ABORT, 'R5: only an empty object is rebuilt');
END;

CREATE TRIGGER history_of_a_previous_instance
BEFORE INSERT ON history WHEN NEW.base_block = -1 AND EXISTS (SELECT 1 FROM previous_instance)
BEGIN
  SELECT RAISE(ABORT, 'R5: what another instance began is rebuilt, not begun anew');
END;

-- What was read before was stored without asking what the scheduler accepts.
CREATE TRIGGER history_base_covers_what_was_read
BEFORE INSERT ON history
WHEN NEW.base_block <> -1 AND NEW.base_block < (SELECT block_number FROM l1_safe_head)
BEGIN
  SELECT RAISE(ABORT, 'R5: the base covers what was read');
END;

CREATE TRIGGER safe_accepted_batches_beyond_base
BEFORE INSERT ON safe_accepted_batches
WHEN NEW.inclusion_block <= (SELECT base_block FROM history WHERE singleton = 0)
BEGIN
  SELECT RAISE(ABORT, 'R5: acceptance starts beyond the base');
END;

CREATE TRIGGER sequenced_l2_txs_beyond_base
BEFORE INSERT ON sequenced_l2_txs
WHEN NEW.safe_input_index IS NOT NULL
  AND (SELECT block_number FROM safe_inputs WHERE safe_input_index = NEW.safe_input_index)
    <= (SELECT base_block FROM history WHERE singleton = 0)
BEGIN
  SELECT RAISE(ABORT, 'R5: the baseline holds what is up to the base');
END;
