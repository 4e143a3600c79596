-- States at certified seals, for a candidate that has lost its own: each is the hash that a seal names.

CREATE TABLE snapshots (
  -- Of the chunk with the seal.
  height       INTEGER PRIMARY KEY CHECK (height >= 0),
  sha256       BLOB NOT NULL CHECK (length(sha256) = 32),
  -- Feed head at the seal: replay resumes after it.
  l2_tx_index  INTEGER NOT NULL CHECK (l2_tx_index >= 0),
  state_bytes  INTEGER NOT NULL CHECK (state_bytes BETWEEN 0 AND 33554432),
  stored_at_ms INTEGER NOT NULL
) STRICT;

CREATE TRIGGER snapshots_of_a_seal
BEFORE INSERT ON snapshots
BEGIN
  SELECT RAISE(ABORT, 'C4: a snapshot is of a certified seal')
  WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE height = NEW.height AND is_certified = 1
                    AND seal_hash = NEW.sha256);
END;

CREATE TRIGGER snapshots_immutable
BEFORE UPDATE ON snapshots
BEGIN
  SELECT RAISE(ABORT, 'V1: a snapshot is immutable');
END;

-- By hash: two seals may name one state. Parts of a download lie here until they are whole.
CREATE TABLE snapshot_parts (
  sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
  part    INTEGER NOT NULL CHECK (part BETWEEN 0 AND 31),
  bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 1048576),
  PRIMARY KEY (sha256, part)
) STRICT;

CREATE TRIGGER snapshot_parts_immutable
BEFORE UPDATE ON snapshot_parts
BEGIN
  SELECT RAISE(ABORT, 'V1: a snapshot is immutable');
END;
