/**
 * One page as a reader has it: what it asked for, what it complained about, and what it shows.
 *
 * Pictures of it go to `build/screenshots`, for whoever wants to look.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page, Response } from "playwright-core";
import { ROOT } from "../../scripts/inputs.ts";
import type { OverviewBody } from "../../src/core/api/overview.ts";

const SCREENSHOTS = join(ROOT, "build", "screenshots");

/** A number or a text of `GET /overview` as the page shows it. */
export type Shown = { readonly field: string; readonly value: string; readonly text: string };

export class Visit {
  readonly page: Page;
  /** Messages of the console that are errors, and exceptions that nobody caught. */
  readonly complaints: string[] = [];
  /** Origins of all requests, sockets among them. */
  readonly origins = new Set<string>();
  readonly responses: Response[] = [];
  /** Bodies of `GET /overview` that the page's script got, by `now_ms`. */
  readonly answers = new Map<number, OverviewBody>();

  private constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("request", (request) => this.origins.add(new URL(request.url()).origin));
    page.on("websocket", (socket) => this.origins.add(new URL(socket.url()).origin));
    page.on("response", (response) => {
      this.responses.push(response);
      if (new URL(response.url()).pathname === "/overview") {
        // An answer that comes while the page closes is nobody's.
        this.#keep(response).catch(() => undefined);
      }
    });
  }

  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<Visit> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      reducedMotion: "reduce",
      ...options,
    });
    const visit = new Visit(await context.newPage());
    await visit.page.goto(url);
    return visit;
  }

  /** Goes to a view of the page, and is back when that is what is seen. */
  async turnTo(view: string): Promise<void> {
    await this.page.click(`#views a[href="#${view}"]`);
    await this.page.waitForSelector(`#${view}`);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  async shoot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }

  /** Page, style sheet, script and icon as they came, with their bytes over the wire. */
  async ownFiles() {
    const files = this.responses.filter((response) => {
      const { pathname } = new URL(response.url());
      return pathname === "/" || pathname.startsWith("/dashboard/");
    });
    const sizes = await Promise.all(
      files.map(async (file) => {
        const { responseBodySize } = await file.request().sizes();
        return [new URL(file.url()).pathname, responseBodySize] as const;
      }),
    );
    return { files, sizes };
  }

  /** Everything marked as a value of `GET /overview`, all read at one moment. */
  shown(): Promise<readonly Shown[]> {
    return this.page.evaluate(() =>
      Array.from(document.querySelectorAll("#overview [data-field]"), (element) => ({
        field: element.getAttribute("data-field") ?? "",
        value: element.getAttribute("data-value") ?? "",
        text: element.textContent ?? "",
      })),
    );
  }

  /** The newest painted answer, with what was painted from it. */
  async painted(): Promise<{ readonly body: OverviewBody; readonly shown: readonly Shown[] }> {
    for (;;) {
      const shown = await this.shown();
      const now = Number(shown.find(({ field }) => field === "now_ms")?.value);
      const body = this.answers.get(now);
      if (body !== undefined) return { body, shown };
      // What the Worker painted is not among the script's answers: the next one is.
      await this.page.waitForResponse((response) => response.url().endsWith("/overview"));
    }
  }

  async #keep(response: Response): Promise<void> {
    if (!response.ok()) return;
    const body: OverviewBody = await response.json();
    this.answers.set(body.now_ms, body);
  }
}

/** The leaves of a body by their paths: `health.committee.epoch`, `batches.0.ops`. */
export function leaves(value: unknown, path = ""): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(inner, path === "" ? name : `${path}.${name}`),
  );
}
