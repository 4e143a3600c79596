-- Following another leader's log (C6): chunks that wait, and forgetting a log that was not inherited.

-- Linked chunks beyond those of `chunks`. What is projected leaves; what is not inherited is replaced.
CREATE TABLE replica_chunks (
  height     INTEGER PRIMARY KEY CHECK (height >= 0),
  header     BLOB NOT NULL CHECK (length(header) = 145),
  events     BLOB NOT NULL CHECK (length(events) <= 1048576),
  scheme     TEXT CHECK (scheme IS NULL OR scheme IN ('p256', 'ed25519')),
  signature  BLOB CHECK (signature IS NULL OR length(signature) = 64),
  CHECK ((scheme IS NULL) = (signature IS NULL))
) STRICT;

CREATE TRIGGER replica_chunks_beyond_the_log
BEFORE INSERT ON replica_chunks
BEGIN
  SELECT RAISE(ABORT, 'C1: what waits is beyond the log')
  WHERE NEW.height <= (SELECT MAX(height) FROM chunks);
  SELECT RAISE(ABORT, 'C1: what waits is contiguous')
  WHERE EXISTS (SELECT 1 FROM replica_chunks)
    AND NEW.height IS NOT (SELECT MAX(height) + 1 FROM replica_chunks);
END;

-- Certificates of chunks that wait: they enter `certificates` with their chunk.
CREATE TABLE replica_certificates (
  height       INTEGER PRIMARY KEY REFERENCES replica_chunks(height) ON DELETE CASCADE,
  chunk_hash   BLOB NOT NULL CHECK (length(chunk_hash) = 32),
  epoch        INTEGER NOT NULL CHECK (epoch >= 0),
  certificate  BLOB NOT NULL CHECK (length(certificate) BETWEEN 84 AND 8192),
  stored_at_ms INTEGER NOT NULL
) STRICT;

-- Beginning from a state in the middle of a log (C6): which batch it is of, and how far the reader's search
-- for that batch on L1 has come. Once there is a history: landings behind that one wait for the log.
CREATE TABLE replica_beginning (
  singleton       INTEGER PRIMARY KEY CHECK (singleton = 0),
  batch_nonce     INTEGER NOT NULL CHECK (batch_nonce BETWEEN 0 AND 9007199254740991),
  payload_hash    BLOB NOT NULL CHECK (length(payload_hash) = 32),
  -- The state holds the direct inputs up to the end of this block.
  drained_block   INTEGER NOT NULL CHECK (drained_block BETWEEN 0 AND 9007199254740991),
  -- What the scheduler expects after the inputs that were read.
  expected_nonce  INTEGER NOT NULL DEFAULT 0 CHECK (expected_nonce BETWEEN 0 AND 9007199254740991),
  -- The input that is the batch, as soon as it was read.
  landing_index   INTEGER REFERENCES safe_inputs(safe_input_index)
) STRICT;

CREATE TRIGGER replica_beginning_of_nothing
BEFORE INSERT ON replica_beginning
WHEN EXISTS (SELECT 1 FROM history) OR EXISTS (SELECT 1 FROM l1_safe_head)
BEGIN
  SELECT RAISE(ABORT, 'C6: a log is begun in an empty database');
END;

-- A log that begins beyond its first chunk begins with this one. It was certified when it was taken, perhaps
-- by a certificate that names a later chunk; what is before it is in the state of a seal in it.
CREATE TABLE replica_root (
  singleton  INTEGER PRIMARY KEY CHECK (singleton = 0),
  height     INTEGER NOT NULL CHECK (height BETWEEN 1 AND 9007199254740991)
) STRICT;

-- That state, part by part, until the log begins with it.
CREATE TABLE replica_parts (
  part   INTEGER PRIMARY KEY CHECK (part BETWEEN 0 AND 31),
  bytes  BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 1048576)
) STRICT;

-- While this row is there, the log and all that was made of it is being deleted, page by page.
CREATE TABLE replica_reset (
  singleton    INTEGER PRIMARY KEY CHECK (singleton = 0),
  began_at_ms  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER replica_reset_orders_nothing
BEFORE INSERT ON chunks WHEN EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'C6: nothing is added to a log that is being forgotten');
END;

-- A batch's children are looked up when it is deleted.
CREATE INDEX batches_parent ON batches (parent_batch_index);

-- What is append-only is so for as long as its log counts.
DROP TRIGGER batches_undeletable;
CREATE TRIGGER batches_undeletable
BEFORE DELETE ON batches WHEN NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'N16: the batch tree is append-only');
END;

DROP TRIGGER frames_undeletable;
CREATE TRIGGER frames_undeletable
BEFORE DELETE ON frames WHEN NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'N2: frames are append-only');
END;

DROP TRIGGER safe_inputs_undeletable;
CREATE TRIGGER safe_inputs_undeletable
BEFORE DELETE ON safe_inputs WHEN NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'L1: safe inputs are append-only');
END;

DROP TRIGGER canonical_divergence_stays;
CREATE TRIGGER canonical_divergence_stays
BEFORE DELETE ON canonical_divergence WHEN NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'N15: divergence is absorbing');
END;

DROP TRIGGER sequenced_l2_txs_retained;
CREATE TRIGGER sequenced_l2_txs_retained
BEFORE DELETE ON sequenced_l2_txs
WHEN OLD.offset > (SELECT available_from FROM history WHERE singleton = 0)
  AND NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'F8: only history below available_from is deleted');
END;

DROP TRIGGER rollbacks_undeletable;
CREATE TRIGGER rollbacks_undeletable
BEFORE DELETE ON rollbacks WHEN NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'N18: rollbacks are append-only');
END;

DROP TRIGGER chunks_retained;
CREATE TRIGGER chunks_retained
BEFORE DELETE ON chunks
WHEN OLD.next_offset > (SELECT available_from + 1 FROM history WHERE singleton = 0)
  AND NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'F8: only history below available_from is deleted');
END;

DROP TRIGGER snapshots_frozen;
CREATE TRIGGER snapshots_frozen
BEFORE DELETE ON snapshots
WHEN EXISTS (SELECT 1 FROM canonical_divergence) AND NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'N15: divergence freezes the snapshots');
END;

DROP TRIGGER wallet_nonce_watermark_stays;
CREATE TRIGGER wallet_nonce_watermark_stays
BEFORE DELETE ON wallet_nonce_watermark WHEN NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'N14: the watermark only rises');
END;

DROP TRIGGER chunks_deleted_below_the_certified;
CREATE TRIGGER chunks_deleted_below_the_certified
BEFORE DELETE ON chunks
WHEN EXISTS (SELECT 1 FROM committee_chunks WHERE height = OLD.height)
  AND OLD.height >= COALESCE((SELECT MAX(height) FROM certificates), 0)
  AND NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'F8: what is not certified is not deleted');
END;
