/** Where a stack listens. */

import { expect, test } from "vitest";
import { chainPortOf, parseListenAddress, urlOf } from "../../src/local/listen-address.ts";

test.each([
  ["127.0.0.1:3000", { host: "127.0.0.1", port: 3000 }, "http://127.0.0.1:3000"],
  [" localhost:80 ", { host: "localhost", port: 80 }, "http://localhost:80"],
  ["[::1]:65535", { host: "[::1]", port: 65535 }, "http://[::1]:65535"],
  ["0.0.0.0:0", { host: "0.0.0.0", port: 0 }, "http://127.0.0.1:0"],
])("%s", (text, expected, url) => {
  expect(parseListenAddress(text)).toEqual(expected);
  expect(urlOf(parseListenAddress(text))).toBe(url);
});

test.each(["3000", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "a b:1", "http://a:1", "::1:5"])(
  "%s is refused",
  (text) => {
    expect(() => parseListenAddress(text)).toThrow(/^SEQ_HTTP_ADDR must be host:port[^\n]*$/);
  },
);

test("the chain's port goes with the sequencer's", () => {
  expect(chainPortOf(3000)).toBe(8545);
  expect(chainPortOf(3001)).toBe(8546);
  expect(chainPortOf(59_990)).toBe(65_535);
  expect(chainPortOf(59_991)).toBe(54_446);
});
