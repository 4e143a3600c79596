/** The fee and size policy in the database: its defaults, what each term moves, and its clamps. */

import { describe, expect, test } from "vitest";
import { FEE_EXPONENT_MAX, feeToLinear, logFeeRatio } from "../../src/core/fee/log-fee.ts";
import { userOpBytes } from "../../src/core/wire/batch.ts";
import { loadPolicy } from "../../src/durable-objects/sequencer/storage/policy.ts";
import { type Rig, withRig } from "./support/rig.ts";

const MOST = FEE_EXPONENT_MAX - 1060;

function policyWith(rig: Rig, terms: Record<string, number> = {}) {
  for (const [term, value] of Object.entries(terms)) {
    rig.sql.exec(`UPDATE batch_policy SET ${term} = ?`, value);
  }
  return loadPolicy(rig.sql);
}

describe("[S3] the recommended fee", () => {
  test("is 1060 by default, 3824 units", () =>
    withRig((rig) => {
      const fee = policyWith(rig).recommendedFee;
      expect([fee, feeToLinear(fee)]).toEqual([1060, 3824n]);
    }));

  test.each([
    ["log_gas_price", 100, 1160],
    ["log_slack", 296, 1356],
    ["log_one_plus_alpha", 0, 1040],
    ["log_delta", 330, 971],
    ["log_user_op_bytes", 0, 439],
    ["log_alpha", 0, 1060],
    ["log_base_gas", 0, 1060],
    ["log_gas_price", MOST - 1, FEE_EXPONENT_MAX - 1],
    ["log_gas_price", MOST, FEE_EXPONENT_MAX],
    ["log_gas_price", MOST + 1, FEE_EXPONENT_MAX],
  ])("with %s %i is %i", (term, value, fee) =>
    withRig((rig) => {
      expect(policyWith(rig, { [term]: value }).recommendedFee).toBe(fee);
    }),
  );

  test("the default terms are the logarithms of their linear meanings", () =>
    withRig((rig) => {
      expect(rig.sql.exec("SELECT * FROM batch_policy").one()).toEqual({
        singleton: 0,
        log_gas_price: logFeeRatio(1n, 1n),
        log_slack: 0,
        log_alpha: logFeeRatio(168n, 1000n),
        log_one_plus_alpha: logFeeRatio(1168n, 1000n),
        log_base_gas: logFeeRatio(55_000n, 1n),
        log_delta: logFeeRatio(26n, 1n),
        log_user_op_bytes: logFeeRatio(126n, 1n),
        log_max_batch_bytes: logFeeRatio(32_000n, 1n),
      });
    }));
});

describe("[S6] the size target", () => {
  test("is 12578 bytes by default", () =>
    withRig((rig) => {
      expect(policyWith(rig).batchTargetBytes).toBe(12_578);
    }));

  test("with an alpha of 17 is no more than one op", () =>
    withRig((rig) => {
      const target = policyWith(rig, { log_alpha: logFeeRatio(17_000n, 1000n) }).batchTargetBytes;
      expect(target).toBeGreaterThan(0);
      expect(target).toBeLessThanOrEqual(userOpBytes(53));
    }));

  test("is at least one byte", () =>
    withRig((rig) => {
      expect(policyWith(rig, { log_base_gas: 0 }).batchTargetBytes).toBe(1);
    }));
});
