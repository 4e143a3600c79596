/** EIP-55 against the examples of its text and against viem. */

import fc from "fast-check";
import { getAddress } from "viem";
import { expect, test } from "vitest";
import { type Address, addressFromBytes, parseAddress } from "../../src/core/types/hex.ts";
import { checksumAddress } from "../../src/core/wire/address.ts";
import { size } from "../support/size.ts";

function parsed(text: string): Address {
  return parseAddress(text) ?? expect.fail(`${text} is an address`);
}

test.each([
  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
  "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
  "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
  "0x52908400098527886E0F7030069857D2E4169EE7",
  "0xde709f2102306220921060314715629080e2fb77",
  "0x0000000000000000000000000000000000000000",
])("%s", (text) => {
  expect(checksumAddress(parsed(text))).toBe(text);
  expect(checksumAddress(parsed(text))).toBe(text);
});

test("viem shows every address the same", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
      const address = addressFromBytes(bytes);
      expect(checksumAddress(address)).toBe(getAddress(address));
    }),
    { numRuns: size(200, 5000) },
  );
});

test("more addresses than the memo holds", () => {
  const bytes = new Uint8Array(20).fill(0xab);
  const view = new DataView(bytes.buffer);
  const first = addressFromBytes(bytes);
  for (let i = 0; i < 5000; i++) {
    view.setUint32(0, i);
    const address = addressFromBytes(bytes);
    expect(checksumAddress(address).toLowerCase()).toBe(address);
  }
  expect(checksumAddress(first)).toBe(getAddress(first));
});
