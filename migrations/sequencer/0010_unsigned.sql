-- Chunks without a stored signature are newer than the newest certificate, and are looked for on wake only:
-- an index of them would cost two more rows written for each chunk.
DROP INDEX committee_chunks_unsigned;
