/** Our hand-written ABI against the pinned selectors, viem's encoder, and bytes that are not canonical. */

import fc from "fast-check";
import {
  encodeAbiParameters,
  encodeFunctionData,
  pad,
  parseAbi,
  toEventSelector,
  toFunctionSelector,
} from "viem";
import { describe, expect, test } from "vitest";
import { address, fromHex, toHex } from "../../src/core/types/hex.ts";
import {
  addressTopic,
  decodeBytes,
  decodeDataAvailability,
  decodeHex,
  decodeUint256,
  encodeAddInput,
  encodeGetNumberOfInputs,
  GET_DATA_AVAILABILITY,
  GET_DEPLOYMENT_BLOCK_NUMBER,
  INPUT_ADDED_TOPIC,
} from "../../src/l1/contracts.ts";
import { artifact } from "../../src/local/deploy.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/l1.json" with { type: "json" };

const app = address("0x1111111111111111111111111111111111111111");
const box = address("0x2222222222222222222222222222222222222222");
const inputBoxAbi = parseAbi([
  "function addInput(address appContract, bytes payload) returns (bytes32)",
  "function getNumberOfInputs(address appContract) view returns (uint256)",
]);
const availabilityAbi = parseAbi([
  "function InputBox(address inputBox)",
  "function InputBoxAndEspresso(address inputBox, uint256 fromBlock, uint32 namespaceId)",
]);

describe("selectors", () => {
  // P§2.4 pins the words; the package's own ABI says that they are still the deployed contracts'.
  test.each([
    { name: "addInput", ours: encodeAddInput(app, new Uint8Array()).slice(0, 10) },
    { name: "getNumberOfInputs", ours: encodeGetNumberOfInputs(app).slice(0, 10) },
    { name: "getDeploymentBlockNumber", ours: GET_DEPLOYMENT_BLOCK_NUMBER },
    { name: "getDataAvailability", ours: GET_DATA_AVAILABILITY },
    { name: "InputAdded", ours: INPUT_ADDED_TOPIC },
  ] as const)("[L3] $name", ({ name, ours }) => {
    expect(ours).toBe(vectors.selectors[name]);
    const abi = [...artifact("InputBox").abi, ...artifact("Application").abi];
    const item = abi.find((one) => "name" in one && one.name === name);
    if (item?.type === "function") expect(toFunctionSelector(item)).toBe(ours);
    else if (item?.type === "event") expect(toEventSelector(item)).toBe(ours);
    else expect.unreachable(`${name} is in the package`);
  });
});

describe("calls", () => {
  test.each([0, 1, 31, 32, 33, 65_216])("[L3] addInput of %i bytes is viem's", (length) => {
    const payload = new Uint8Array(length).fill(0xab);
    const args = [app, toHex(payload)] as const;
    expect(encodeAddInput(app, payload)).toBe(
      encodeFunctionData({ abi: inputBoxAbi, functionName: "addInput", args }),
    );
  });

  test("[L3] getNumberOfInputs and the indexed application are viem's", () => {
    expect(encodeGetNumberOfInputs(app)).toBe(
      encodeFunctionData({ abi: inputBoxAbi, functionName: "getNumberOfInputs", args: [app] }),
    );
    expect(addressTopic(app)).toBe(pad(app));
  });
});

describe("decodeBytes", () => {
  test("[L3] it takes back what viem encodes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (payload) => {
        const encoded = encodeAbiParameters([{ type: "bytes" }], [toHex(payload)]);
        expect(decodeBytes(encoded)).toEqual(payload);
      }),
      { numRuns: size(100, 5000) },
    );
  });

  const word = (value: number | bigint) => value.toString(16).padStart(64, "0");
  const body = `${"ab".repeat(33)}${"00".repeat(31)}`;

  test.each([
    { name: "canonical", text: `0x${word(32)}${word(33)}${body}`, accepted: true },
    {
      name: "upper-case digits",
      text: `0x${word(32)}${word(33)}${body.toUpperCase()}`,
      accepted: true,
    },
    { name: "one byte short", text: `0x${word(32)}${word(33)}${body.slice(2)}`, accepted: false },
    { name: "one byte long", text: `0x${word(32)}${word(33)}${body}00`, accepted: false },
    { name: "another offset", text: `0x${word(64)}${word(33)}${body}`, accepted: false },
    { name: "length beyond the data", text: `0x${word(32)}${word(65)}${body}`, accepted: false },
    {
      name: "length beyond 2^53",
      text: `0x${word(32)}${word(2n ** 255n)}${body}`,
      accepted: false,
    },
    { name: "padding that is not zero", text: `0x${word(32)}${word(32)}${body}`, accepted: false },
    { name: "only a head", text: `0x${word(32)}`, accepted: false },
    { name: "nothing", text: "0x", accepted: false },
    { name: "no prefix", text: `${word(32)}${word(0)}`, accepted: false },
    { name: "half a byte", text: `0x${word(32)}${word(0)}0`, accepted: false },
    { name: "not a string", text: 7, accepted: false },
  ])("[L3] $name: accepted $accepted", ({ text, accepted }) => {
    expect(decodeBytes(text) !== null).toBe(accepted);
  });
});

describe("decodeUint256 and decodeHex", () => {
  test.each([
    { text: `0x${"00".repeat(31)}07`, value: 7n },
    { text: `0x${"ff".repeat(32)}`, value: 2n ** 256n - 1n },
    { text: `0x${"00".repeat(30)}07`, value: null },
    { text: `0x${"00".repeat(33)}`, value: null },
    { text: "0x", value: null },
    { text: null, value: null },
  ])("[L3] $text is $value", ({ text, value }) => {
    expect(decodeUint256(text)).toBe(value);
  });

  test("[L3] hex text is bytes, anything else is null", () => {
    expect(decodeHex("0xAbcd")).toEqual(fromHex("0xabcd"));
    expect(decodeHex("0xabc")).toBeNull();
    expect(decodeHex("0xgg")).toBeNull();
    expect(decodeHex({})).toBeNull();
  });
});

describe("decodeDataAvailability", () => {
  const result = (call: `0x${string}`) => encodeAbiParameters([{ type: "bytes" }], [call]);
  const supported = encodeFunctionData({
    abi: availabilityAbi,
    functionName: "InputBox",
    args: [box],
  });

  test("[L3] an application on InputBox names it", () => {
    expect(decodeDataAvailability(result(supported))).toBe(box);
  });

  test("[L3] an application that also reads Espresso is refused", () => {
    const espresso = encodeFunctionData({
      abi: availabilityAbi,
      functionName: "InputBoxAndEspresso",
      args: [box, 5n, 7],
    });
    expect(decodeDataAvailability(result(espresso))).toBeNull();
  });

  test.each([
    { name: "trailing bytes", call: `${supported}00` as const },
    { name: "a cut address", call: supported.slice(0, -2) as `0x${string}` },
    {
      name: "a word that is no address",
      call: `${supported.slice(0, 10)}01${supported.slice(12)}` as `0x${string}`,
    },
    { name: "no call", call: "0x" as const },
  ])("[L3] $name is refused", ({ call }) => {
    expect(decodeDataAvailability(result(call))).toBeNull();
  });
});
