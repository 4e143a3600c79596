-- The fee and size policy, in exponents of 129/128 (P§4.6). The operator writes it.

CREATE TABLE batch_policy (
  singleton             INTEGER PRIMARY KEY CHECK (singleton = 0),
  log_gas_price         INTEGER NOT NULL DEFAULT 0 CHECK (log_gas_price BETWEEN 0 AND 17101),
  log_slack             INTEGER NOT NULL DEFAULT 0 CHECK (log_slack BETWEEN 0 AND 17101),
  log_alpha             INTEGER NOT NULL DEFAULT -229 CHECK (log_alpha BETWEEN -17101 AND 17101),
  log_one_plus_alpha    INTEGER NOT NULL DEFAULT 20 CHECK (log_one_plus_alpha BETWEEN 0 AND 17101),
  log_base_gas          INTEGER NOT NULL DEFAULT 1403 CHECK (log_base_gas BETWEEN 0 AND 17101),
  log_delta             INTEGER NOT NULL DEFAULT 419 CHECK (log_delta BETWEEN 0 AND 17101),
  log_user_op_bytes     INTEGER NOT NULL DEFAULT 621 CHECK (log_user_op_bytes BETWEEN 0 AND 17101),
  -- 1333 is 32 003 bytes, about half of what InputBox takes.
  log_max_batch_bytes   INTEGER NOT NULL DEFAULT 1333 CHECK (log_max_batch_bytes BETWEEN 0 AND 1333),
  CHECK (log_base_gas - log_alpha - log_delta < log_max_batch_bytes)
) STRICT;

INSERT INTO batch_policy (singleton) VALUES (0);

CREATE VIEW batch_policy_derived AS
  SELECT *,
    MIN(17101, log_gas_price + log_slack + log_one_plus_alpha + log_delta + log_user_op_bytes)
      AS log_recommended_fee,
    MAX(0, MIN(17101, log_base_gas - log_alpha - log_delta)) AS log_batch_size_target
  FROM batch_policy;
