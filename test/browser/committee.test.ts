/** The dashboard under a committee: who certifies, what a receipt proves, and the operator's commands. */

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium } from "../support/chromium.ts";
import {
  committeeOf,
  epochsOf,
  postCertified,
  startCommittee,
} from "../support/committee-product.ts";
import { faint, nameless, overflow, tabRound } from "../support/page-checks.ts";
import { type Answer, account, type Product, until } from "../support/product.ts";
import { Visit } from "../support/visit.ts";

let product: Product;
let browser: Browser;
let certified: Answer;

beforeAll(async () => {
  [product, browser] = await Promise.all([startCommittee({ candidates: 2 }), launchChromium()]);
  certified = await postCertified(product, account(product, 0), account(product, 1).address);
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

const open = (hash: string) => Visit.open(browser, `${product.stack.url}/#${hash}`);

test("[C6] the committee is on the page as GET /overview has it", async () => {
  const visit = await open("overview");
  const { body, shown } = await visit.painted();
  const said = new Map(shown.map(({ field, value }) => [field, value]));
  expect(body.members).toHaveLength(4);
  for (const [i, member] of body.members.entries()) {
    expect(said.get(`members.${i}.acked_height`)).toBe(String(member.acked_height));
    expect(said.get(`members.${i}.lag`)).toBe(String(member.lag));
    expect(await visit.page.isVisible(`.members th[title="${member.endpoint}"]`)).toBe(true);
  }
  const { committee } = body.health;
  for (const name of ["epoch", "quorum", "reachable", "certified_height", "evidence"] as const) {
    expect(said.get(`health.committee.${name}`), name).toBe(String(committee?.[name]));
  }
  expect(said.get("pipeline.certified")).toBe(String(body.pipeline?.certified));
  expect(said.get("epochs.0.from_height")).toBe(String(body.epochs[0]?.from_height));
  expect(visit.complaints).toEqual([]);
  await visit.shoot("committee");
  await visit.close();
});

describe("[C2] a receipt", () => {
  const verdict = async (visit: Visit): Promise<string> => {
    await visit.page.waitForSelector("[data-verdict]");
    return (await visit.page.textContent("[data-verdict]")) ?? "";
  };
  const verify = async (visit: Visit, receipt: string, genesis = ""): Promise<string> => {
    await visit.page.fill("#receipt", receipt);
    await visit.page.fill("#genesis", genesis);
    await visit.page.evaluate(() => document.querySelector("[data-verdict]")?.remove());
    await visit.page.click("#verify-form button");
    return await verdict(visit);
  };

  test("is found by sender and nonce, proven, and said to rest on the sequencer's own genesis", async () => {
    const visit = await open("op");
    await visit.page.fill("#find-sender", account(product, 0).address);
    await visit.page.fill("#find-nonce", "0");
    await visit.page.keyboard.press("Enter");
    await visit.page.waitForSelector('.step[data-state="settled"][aria-current]');
    expect(await verdict(visit)).toMatch(/^Proven\. Certified: [34] of 4 validators of epoch 0/);
    expect(await verdict(visit)).toContain("taken from this sequencer's own /deployment");
    expect(await nameless(visit.page)).toEqual([]);
    expect(await faint(visit.page)).toEqual([]);
    expect(visit.complaints).toEqual([]);
    await visit.shoot("op-proven");
    await visit.page.setViewportSize({ width: 320, height: 700 });
    expect(await overflow(visit.page)).toBe(0);
    await visit.shoot("op-proven-phone");
    await visit.close();
  });

  test("in the answer that brought it is proven from a genesis of one's own and pasted records", async () => {
    const epochs = await epochsOf(product.stack.url);
    const visit = await open("op");
    await visit.painted();
    await visit.page.fill("#epochs", JSON.stringify({ records: epochs.records }));
    const before = visit.responses.length;
    const said = await verify(visit, JSON.stringify(certified.body), epochs.genesis);
    expect(said).toMatch(/^Proven\. Certified/);
    expect(said).toContain("the genesis that you gave");
    const asked = visit.responses.slice(before).map((response) => new URL(response.url()).pathname);
    expect(asked.filter((path) => /^\/(?:epochs|deployment|tx)/.test(path))).toEqual([]);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  test("that was tampered with is refuted, and what is none is called so", async () => {
    const { genesis } = await epochsOf(product.stack.url);
    const receipt = certified.body["receipt"] as Readonly<Record<string, string>>;
    const visit = await open("op");
    const event = receipt["event"] ?? "";
    // The last byte is the op's own data.
    const other = `${event.slice(0, -1)}${event.endsWith("0") ? "1" : "0"}`;
    expect(await verify(visit, JSON.stringify({ ...receipt, event: other }), genesis)).toMatch(
      /^Refuted\. The event is not part of the chunk/,
    );
    await visit.shoot("op-refuted");
    const signature = receipt["signature"] ?? "";
    const forged = `${signature.slice(0, 12)}${signature[12] === "0" ? "1" : "0"}${signature.slice(13)}`;
    expect(await verify(visit, JSON.stringify({ ...receipt, signature: forged }), genesis)).toMatch(
      /^Refuted\. A signature in it does not hold/,
    );
    expect(await verify(visit, JSON.stringify(receipt), `0x${"00".repeat(32)}`)).toMatch(
      /^Not told\. The epoch records do not begin with/,
    );
    expect(await verify(visit, '{"a":1}', genesis)).toMatch(/^Not told\. This is no receipt/);
    expect(await verify(visit, JSON.stringify(receipt), "0x12")).toMatch(/^Not told\./);
    expect(await verify(visit, JSON.stringify(receipt), genesis)).toMatch(/^Proven\./);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });
});

describe("[I8, C6] the operator", () => {
  const row = (id: string) => `tr[data-candidate="${id}"]`;
  const paused = async (id: string): Promise<boolean> => {
    const answer = await fetch(`${product.stack.url}/operator/rpc?candidate=${id}`, {
      method: "POST",
      headers: { authorization: `Bearer ${product.stack.operatorToken}` },
      body: '{"jsonrpc":"2.0","id":1,"method":"conductor_paused"}',
    });
    return ((await answer.json()) as { result: boolean }).result;
  };
  const unlock = async (token = product.stack.operatorToken): Promise<Visit> => {
    const visit = await open("operator");
    await visit.page.fill("#token", token);
    await visit.page.keyboard.press("Enter");
    return visit;
  };

  test("is refused with another token, and sees nothing", async () => {
    const visit = await unlock("not the token");
    await visit.page.waitForSelector("#operator-said.alarm");
    expect(await visit.page.textContent("#operator-said")).toContain("not the operator's token");
    expect(await visit.page.textContent("#part-operator")).toBe("");
    await visit.close();
  });

  test("pauses and resumes a candidate, asked about each, and by keyboard alone", async () => {
    const visit = await unlock();
    const { page } = visit;
    await page.waitForSelector(`${row("b")} [data-command="pause"]`);
    expect(await nameless(page)).toEqual([]);
    expect(await tabRound(page)).toEqual({ missed: [], unseen: [] });
    expect(await faint(page)).toEqual([]);
    await visit.shoot("operator");

    await page.focus(`${row("b")} [data-command="pause"]`);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#confirm[open]");
    expect(await faint(page)).toEqual([]);
    await visit.shoot("operator-confirm");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#confirm:not([open])", { state: "attached" });
    expect(await paused("b")).toBe(false);
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(
      "Pause: candidate b",
    );

    await page.keyboard.press("Enter");
    await page.click("#confirm-yes");
    await page.waitForSelector(`${row("b")} [data-command="resume"]`);
    expect(await paused("b")).toBe(true);
    await page.click(`${row("b")} [data-command="resume"]`);
    await page.click("#confirm-yes");
    await page.waitForSelector(`${row("b")} [data-command="pause"]`);
    expect(await paused("b")).toBe(false);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  test("hands over to another candidate, and the token is left nowhere", async () => {
    const visit = await unlock();
    const { page } = visit;
    await page.click(`${row("b")} [data-command="transfer"]`);
    await page.click("#confirm-yes");
    const leads = await until(
      () => committeeOf(product.stack.url),
      ({ leader }) => leader === "b",
      30_000,
    );
    expect(leads.epoch).toBeGreaterThan(0);
    await page.waitForSelector(`${row("a")} [data-command="transfer"]`);
    // Each candidate says for itself whether it leads: for a moment neither does.
    await page.waitForSelector(`${row("b")} [data-command="transfer"]`, { state: "hidden" });
    const kept = await page.evaluate(() => [
      ...Object.values(localStorage),
      ...Object.values(sessionStorage),
      document.cookie,
      location.href,
      document.documentElement.outerHTML,
      ...Array.from(document.querySelectorAll("input"), ({ value }) => value),
    ]);
    expect(kept.join(" ")).not.toContain(product.stack.operatorToken);
    await visit.page.click("#lock");
    expect(await page.textContent("#part-operator")).toBe("");
    await visit.close();
  });
});
