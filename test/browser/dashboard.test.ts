/** The dashboard of one sequencer in a real browser: what it shows is what the interface says. */

import { isDeepStrictEqual } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { OverviewBody } from "../../src/core/api/overview.ts";
import { launchChromium } from "../support/chromium.ts";
import { restoreL1, swallowAll } from "../support/l1-levers.ts";
import {
  blocksToDanger,
  expectVoid,
  type Outage,
  posted,
  rollbacks,
  serving,
  settled,
  startOutage,
  submit,
} from "../support/outage.ts";
import { faint, nameless, overflow, tabRound } from "../support/page-checks.ts";
import { account, readFeed, until } from "../support/product.ts";
import { expectSame, isStill, still } from "../support/shown-overview.ts";
import { Visit } from "../support/visit.ts";

const VIEWS = ["overview", "op", "operator"] as const;
/** Bytes over the wire of the first visit: page, style sheet, script and icon, compressed. */
const FIRST_VISIT_BYTES_MAX = 48 * 1024;
/** What who verifies a receipt loads besides. */
const VERIFIER_BYTES_MAX = 64 * 1024;

let outage: Outage;
let browser: Browser;

beforeAll(async () => {
  [outage, browser] = await Promise.all([startOutage(), launchChromium()]);
  await settled(outage, await submit(outage));
  for (let i = 0; i < 5; i++) await submit(outage, i);
  // One that is refused, so that there is a refusal to show.
  const from = account(outage, 7);
  from.nonce = 9;
  await outage.post(outage.transfer(from, from.address, 1n));
});
afterAll(async () => {
  await browser?.close();
  await outage?.stop();
});

function ask(): Promise<OverviewBody> {
  return fetch(`${outage.stack.url}/overview`).then((answer) =>
    answer.json(),
  ) as Promise<OverviewBody>;
}

describe("what it shows", () => {
  test("without a script is every number of GET /overview", async () => {
    await outage.stack.pauseBlocks();
    onTestFinished(() => outage.stack.resumeBlocks());
    const visit = await Visit.open(browser, outage.stack.url, { javaScriptEnabled: false });
    // Blocks stand still and nobody sends: between two equal answers the page can only show the same.
    const { shown, after } = await until(
      async () => {
        const before = still(await ask());
        await visit.page.reload();
        return { before, shown: await visit.shown(), after: still(await ask()) };
      },
      ({ before, after }) =>
        after.submitter.balance_wei !== null && isDeepStrictEqual(before, after),
      20_000,
    );
    expectSame(shown.filter(isStill), after);
    expect(await visit.page.title()).toBe("Baton · wallet");
    expect(await visit.page.textContent("#part-headline .mode")).toBe("Serving");
    expect(visit.complaints).toEqual([]);
    await visit.shoot("first-paint");
    await visit.close();
  });

  test("with its script is every number of the newest answer, and the feed to its head", async () => {
    const visit = await Visit.open(browser, outage.stack.url);
    await visit.page.waitForSelector(".feed-live");
    await submit(outage, 2);
    const op = await submit(outage, 3);
    await visit.page.waitForSelector(`.record[data-offset="${op.offset}"]`);
    const { body, shown } = await visit.painted();
    expectSame(shown, body);
    const records = await readFeed(outage.stack.url);
    const offsets = await visit.page.$$eval(".record", (rows) =>
      rows.map((row) => Number(row.getAttribute("data-offset"))),
    );
    const newest = records.map(({ offset }) => Number(offset)).toReversed();
    expect(offsets).toEqual(newest.slice(newest.indexOf(offsets[0] ?? 0)).slice(0, offsets.length));
    expect(offsets.length).toBe(Math.min(24, records.length));
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  test("draws rates from differences of the counters", async () => {
    const visit = await Visit.open(browser, outage.stack.url);
    const answersTo = (nowMs: number) =>
      [...visit.answers.values()].filter(({ now_ms }) => now_ms <= nowMs);
    for (let i = 0; i < 8; i++) await submit(outage, i);
    await visit.page.waitForSelector(".plot .line-ops", { state: "attached" });
    await visit.page.waitForSelector(".plot .line-p50", { state: "attached" });
    const read = () =>
      visit.page.evaluate(() => ({
        nowMs: Number(document.querySelector("[data-field='now_ms']")?.getAttribute("data-value")),
        told: Number(document.querySelector(".figure:nth-child(2) .big")?.textContent),
      }));
    // Beyond the first: that one has none before it.
    const { nowMs, told } = await until(read, ({ nowMs }) => answersTo(nowMs).length > 1, 10_000);
    const [before, body] = answersTo(nowMs).slice(-2);
    const difference = (of: (one: OverviewBody) => number) =>
      (body === undefined ? 0 : of(body)) - (before === undefined ? 0 : of(before));
    const rate =
      difference(({ counters }) => counters.ops_included) /
      (difference((one) => one.now_ms) / 1000);
    expect(Math.abs(told - rate)).toBeLessThanOrEqual(rate < 10 ? 0.06 : 0.6);
    await visit.close();
  });

  test("says so when the sequencer is gone, keeps what it knew, and goes on when it is back", async () => {
    const visit = await Visit.open(browser, outage.stack.url);
    await visit.painted();
    await outage.stack.killWorkerd();
    await visit.page.waitForSelector(".stale");
    expect(await visit.page.textContent(".stale")).toContain("cannot be reached");
    expect((await visit.shown()).length).toBeGreaterThan(20);
    await outage.stack.startWorkerd();
    await serving(outage);
    await visit.page.waitForSelector(".stale", { state: "detached" });
    const op = await submit(outage, 4);
    await visit.page.waitForSelector(`.record[data-offset="${op.offset}"]`);
    await visit.close();
  });
});

describe("what it asks for", () => {
  test("is small, its own, compressed, and kept by its content", async () => {
    const visit = await Visit.open(browser, outage.stack.url);
    await visit.page.waitForSelector(".feed-live");
    const host = new URL(outage.stack.url).host;
    expect([...visit.origins].sort()).toEqual([`http://${host}`, `ws://${host}`]);
    expect(visit.complaints).toEqual([]);
    const { files, sizes } = await visit.ownFiles();
    for (const file of files) expect(file.headers()["content-encoding"]).toBe("gzip");
    const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
    console.log(`first visit, ${total} bytes: ${sizes.map(([p, n]) => `${p} ${n}`).join(", ")}`);
    expect(files.length).toBeGreaterThanOrEqual(3);
    expect(total).toBeLessThanOrEqual(FIRST_VISIT_BYTES_MAX);
    for (const file of files.filter((one) => new URL(one.url()).pathname !== "/")) {
      const { etag = "", "cache-control": cache } = file.headers();
      expect(cache).toBe("public, max-age=31536000, immutable");
      const again = await fetch(file.url(), { headers: { "if-none-match": etag } });
      expect(again.status).toBe(304);
      expect((await fetch(file.url().replace(/\.\w+\.(\w+)$/, ".0000.$1"))).status).toBe(404);
    }
    const verifier = await visit.page.getAttribute("body", "data-verifier");
    const [loaded] = await Promise.all([
      visit.page.waitForResponse((response) => response.url().endsWith(verifier ?? "?")),
      visit.page.evaluate(async (path) => (await fetch(path)).text(), verifier ?? ""),
    ]);
    const { responseBodySize: zipped } = await loaded.request().sizes();
    console.log(`verifier, when a receipt is verified: ${zipped} bytes`);
    expect(zipped).toBeLessThanOrEqual(VERIFIER_BYTES_MAX);
    await visit.close();
  });

  test("is bound by a policy without inline code, and the page runs under it", async () => {
    const answer = await fetch(outage.stack.url);
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).not.toContain("unsafe");
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'"]) {
      expect(policy).toContain(rule);
    }
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    const html = await answer.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:\/\//);
    expect((await fetch(outage.stack.url, { method: "POST" })).status).toBe(405);
    expect((await fetch(outage.stack.url, { method: "HEAD" })).status).toBe(200);
    const visit = await Visit.open(browser, outage.stack.url);
    await visit.painted();
    const refused = await visit.page.evaluate(() => {
      new Image().src = "http://127.0.0.2:9/x.png";
      return new Promise((resolve) => {
        document.addEventListener("securitypolicyviolation", (e) => resolve(e.violatedDirective));
      });
    });
    expect(refused).toBe("img-src");
    await visit.close();
  });
});

describe("who uses it", () => {
  test.each(VIEWS)(
    "reaches everything of %s by keyboard, and everything has a name",
    async (view) => {
      const visit = await Visit.open(browser, `${outage.stack.url}/#${view}`);
      await visit.painted();
      await visit.page.waitForSelector(".feed-live", { state: "attached" });
      expect(await nameless(visit.page)).toEqual([]);
      expect(await tabRound(visit.page)).toEqual({ missed: [], unseen: [] });
      await visit.page.keyboard.press("Shift+Tab");
      await visit.close();
    },
  );

  test("skips to the content, and finds each view's heading when the view changes", async () => {
    const visit = await Visit.open(browser, outage.stack.url);
    await visit.painted();
    await visit.page.keyboard.press("Tab");
    await visit.page.keyboard.press("Enter");
    expect(await visit.page.evaluate(() => document.activeElement?.id)).toBe("main");
    await visit.turnTo("op");
    expect(await visit.page.evaluate(() => document.activeElement?.id)).toBe("op-title");
    expect(await visit.page.isVisible("#overview")).toBe(false);
    await visit.page.goBack();
    await visit.page.waitForSelector("#overview");
    expect(await visit.page.isVisible("#op")).toBe(false);
    await visit.close();
  });

  test.each(["light", "dark"] as const)("can read it in the %s", async (colorScheme) => {
    const visit = await Visit.open(browser, outage.stack.url, { colorScheme });
    await visit.painted();
    for (const view of VIEWS) {
      await visit.turnTo(view);
      expect(await faint(visit.page), view).toEqual([]);
      await visit.shoot(`${view}-${colorScheme}`);
    }
    await visit.close();
  });

  test.each([320, 390, 768, 1024])("never scrolls sideways at %d pixels", async (width) => {
    const visit = await Visit.open(browser, outage.stack.url, { viewport: { width, height: 800 } });
    await visit.painted();
    for (const view of VIEWS) {
      await visit.turnTo(view);
      expect(await overflow(visit.page), view).toBe(0);
      if (width === 320) await visit.shoot(`${view}-phone`);
    }
    await visit.close();
  });

  test("chooses its colours, and keeps them from the first paint on", async () => {
    const visit = await Visit.open(browser, outage.stack.url, { colorScheme: "light" });
    const paper = () => visit.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await visit.page.click("#theme");
    const dark = await paper();
    expect(dark).not.toBe(light);
    const again = await visit.page.reload();
    expect(await again?.text()).toContain('data-theme="dark"');
    expect(await paper()).toBe(dark);
    await visit.page.click("#theme");
    expect(await paper()).toBe(light);
    await visit.close();
  });

  test("and asked for no motion sees none", async () => {
    const visit = await Visit.open(browser, outage.stack.url);
    await visit.page.waitForSelector(".feed-live");
    const op = await submit(outage, 5);
    await visit.page.waitForSelector(`.record[data-offset="${op.offset}"]`);
    expect(await visit.page.evaluate(() => document.getAnimations().length)).toBe(0);
    await visit.close();
  });
});

test("[F3] a rollback is seen as it happens: recovery's phase, the record, and the op that it voids", async () => {
  await serving(outage);
  const visit = await Visit.open(browser, outage.stack.url);
  await visit.page.waitForSelector(".feed-live");
  outage.proxy.fail(swallowAll);
  const op = await submit(outage, 1);
  await posted(outage, op);
  const row = `.record[data-offset="${op.offset}"]`;
  await visit.page.waitForSelector(`${row}.record-user_op`);
  const [during] = await Promise.all([
    visit.page.waitForSelector(".phase-now", { timeout: 20_000 }),
    outage.stack.mine((await blocksToDanger(outage)) + 1),
  ]);
  expect(await during.getAttribute("aria-current")).toBe("step");
  expect(await visit.page.textContent("#part-headline .mode")).toBe("Recovering");
  await visit.shoot("recovering");
  // The flush ends when L1 takes its transactions again.
  restoreL1(outage);
  await visit.page.waitForSelector(`${row}.record-void`, { timeout: 20_000 });
  const [said] = await rollbacks(outage);
  expect(await visit.page.textContent(`${row} .tag`)).toBe("void");
  await visit.page.waitForSelector(`.record-rollback[data-offset="${said?.offset}"]`);
  await visit.shoot("rollback");
  await serving(outage);
  await expectVoid(outage, [op]);
  await visit.page.goto(`${outage.stack.url}/#op/${account(outage, 1).address}/${op.nonce}`);
  await visit.page.waitForSelector(".step-void");
  expect(visit.complaints).toEqual([]);
  await visit.close();
});
