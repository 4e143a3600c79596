/** What the demo prints. */

import { expect, test } from "vitest";
import { type Output, Timeline } from "../../src/local/timeline.ts";

function recorder(isTTY: boolean): Output & { text(): string } {
  let text = "";
  return {
    isTTY,
    columns: 60,
    write(more) {
      text += more;
      return true;
    },
    text: () => text,
  };
}

test("where there is no terminal, every line is whole and stays", async () => {
  const output = recorder(false);
  const timeline = new Timeline(output);
  expect(await timeline.during("waiting", Promise.resolve(7))).toBe(7);
  timeline.done("posted", "batch 3", ["transaction 0x12"]);
  expect(output.text()).toMatch(/^ +[0-9]\.[0-9] s {2}. posted +batch 3\n +transaction 0x12\n$/);
  expect(output.text()).not.toContain("\r");
});

test("in a terminal the moving line is wiped when the wait ends, also by an error", async () => {
  const output = recorder(true);
  const timeline = new Timeline(output);
  const failing = Promise.reject(new Error("lost"));
  await expect(timeline.during("waiting", failing)).rejects.toThrow("lost");
  expect(output.text().endsWith("\r\x1b[2K")).toBe(true);
});
