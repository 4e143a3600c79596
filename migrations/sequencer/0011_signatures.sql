-- What is asked of a log under a committee, in tables that an op's own commit does not write: its chunk has no
-- signature yet, and neither seals nor covers anything.

-- The leader's, over the header's preimage. They are stored after their chunks, many at a time.
CREATE TABLE chunk_signatures (
  height     INTEGER PRIMARY KEY REFERENCES chunks(height) ON DELETE CASCADE,
  scheme     TEXT NOT NULL CHECK (scheme IN ('p256', 'ed25519')),
  signature  BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;

INSERT INTO chunk_signatures
  SELECT height, scheme, signature FROM committee_chunks WHERE signature IS NOT NULL;

-- The greatest batch_index that a seal up to a chunk names, and the greatest wallet nonce that a watermark up to it
-- covers (C7); NULL before the first. A row for each chunk that names one, in the chunk's own transaction. No
-- reference: the newest row up to what is certified counts, also when its chunk was deleted (F8).
CREATE TABLE log_facts (
  height             INTEGER PRIMARY KEY,
  sealed_through     INTEGER CHECK (sealed_through IS NULL OR sealed_through >= 0),
  watermark_through  INTEGER CHECK (watermark_through IS NULL OR watermark_through >= 0)
) STRICT;

INSERT INTO log_facts
  SELECT MIN(height), sealed_through, watermark_through FROM committee_chunks
  WHERE sealed_through IS NOT NULL OR watermark_through IS NOT NULL
  GROUP BY sealed_through, watermark_through;

DROP TRIGGER chunks_deleted_below_the_certified;
DROP TRIGGER committee_chunks_cumulative;
DROP TRIGGER committee_chunks_facts_immutable;
DROP TRIGGER committee_chunks_signed_once;
DROP TABLE committee_chunks;

CREATE TRIGGER chunk_signatures_once
BEFORE UPDATE ON chunk_signatures
BEGIN
  SELECT RAISE(ABORT, 'C3: a signature is stored once');
END;

CREATE TRIGGER log_facts_rise
BEFORE INSERT ON log_facts
BEGIN
  SELECT RAISE(ABORT, 'C7: only a chunk of the log seals and covers')
  WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE height = NEW.height);
  SELECT RAISE(ABORT, 'C7: what is sealed and covered up to a chunk only rises')
  WHERE EXISTS (SELECT 1 FROM log_facts
                WHERE height >= NEW.height
                   OR COALESCE(sealed_through, -1) > COALESCE(NEW.sealed_through, -1)
                   OR COALESCE(watermark_through, -1) > COALESCE(NEW.watermark_through, -1));
END;

CREATE TRIGGER log_facts_immutable
BEFORE UPDATE ON log_facts
BEGIN
  SELECT RAISE(ABORT, 'C7: what a chunk seals and covers is immutable');
END;

CREATE TRIGGER log_facts_needed
BEFORE DELETE ON log_facts
WHEN OLD.height >= COALESCE((SELECT MAX(height) FROM log_facts
                             WHERE height <= (SELECT MAX(height) FROM certificates)), 0)
  AND NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'C7: what is certified of sealing and covering stays');
END;

-- What is certified begins somewhere: the newest certified chunk stays, and with it its certificate. Without a
-- committee there is no record.
CREATE TRIGGER chunks_deleted_below_the_certified
BEFORE DELETE ON chunks
WHEN EXISTS (SELECT 1 FROM epoch_records)
  AND OLD.height >= COALESCE((SELECT MAX(height) FROM certificates), 0)
  AND NOT EXISTS (SELECT 1 FROM replica_reset)
BEGIN
  SELECT RAISE(ABORT, 'F8: what is not certified is not deleted');
END;
