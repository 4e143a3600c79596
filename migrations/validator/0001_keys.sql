-- Who this validator is: its name, and its keys, sealed with a secret of the deployment (C9).

CREATE TABLE member_identity (
  singleton  INTEGER PRIMARY KEY CHECK (singleton = 0),
  chain_id   INTEGER NOT NULL CHECK (chain_id BETWEEN 1 AND 9007199254740991),
  app        BLOB NOT NULL CHECK (length(app) = 20),
  -- The object's name without the application; an alarm does not tell it.
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 32)
) STRICT;

CREATE TRIGGER member_identity_immutable
BEFORE UPDATE ON member_identity
BEGIN
  SELECT RAISE(ABORT, 'C9: a member keeps its identity');
END;

CREATE TRIGGER member_identity_undeletable
BEFORE DELETE ON member_identity
BEGIN
  SELECT RAISE(ABORT, 'C9: a member keeps its identity');
END;

CREATE TABLE member_keys (
  -- The newest one signs.
  generation     INTEGER PRIMARY KEY CHECK (generation >= 0),
  public_key     BLOB NOT NULL CHECK (length(public_key) = 33),
  nonce          BLOB NOT NULL UNIQUE CHECK (length(nonce) = 12),
  -- AES-256-GCM of the PKCS#8 bytes.
  sealed         BLOB NOT NULL CHECK (length(sealed) BETWEEN 32 AND 1024),
  created_at_ms  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER member_keys_follow
BEFORE INSERT ON member_keys
WHEN NEW.generation <> (SELECT COALESCE(MAX(generation) + 1, 0) FROM member_keys)
BEGIN
  SELECT RAISE(ABORT, 'C9: a key generation follows its predecessor');
END;

CREATE TRIGGER member_keys_immutable
BEFORE UPDATE ON member_keys
BEGIN
  SELECT RAISE(ABORT, 'C9: a key is immutable');
END;

CREATE TRIGGER member_keys_undeletable
BEFORE DELETE ON member_keys
BEGIN
  SELECT RAISE(ABORT, 'C9: a key is kept');
END;
