/** What the ready-made curl line and the demo sign. */

import { expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { address } from "../../src/core/types/hex.ts";
import { devAccounts } from "../../src/local/accounts.ts";
import { signTransfer } from "../../src/local/sign-transfer.ts";

test("[S1] a signed transfer is the vector of P§2.1, byte for byte", () => {
  const [from, to] = devAccounts();
  const domain = { chainId: 31_337, verifyingContract: address(`0x${"11".repeat(20)}`) };
  const body = signTransfer(domain, {
    from: must(from, "account 0"),
    to: must(to, "account 1").address,
    units: 400_000n,
    nonce: 0,
    maxFee: 1409,
  });
  expect(JSON.parse(body)).toEqual({
    message: {
      nonce: 0,
      max_fee: 1409,
      data: "0x01801a06000000000000000000000000000000000000000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8",
    },
    signature:
      "0x802402b0e0b4d5203f7bc5bec8ebdf8d1d5c77e3bd6fe3f5a65833f33e75c7f32b57e69d7e7eb80433be43d89964224cc8c4787730f4f275e1b908b4632dd80b1b",
    sender: "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
  });
});
