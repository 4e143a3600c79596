/** What holds for any page that people use: names, keyboard, contrast, width. Each lists its offenders. */

import type { Page } from "playwright-core";

/** More than any page of ours has to be reached. */
const TABS_MAX = 300;

type AxNode = {
  readonly ignored: boolean;
  readonly role?: { readonly value: string };
  readonly name?: { readonly value: string };
  readonly properties?: readonly { readonly name: string; readonly value: { value?: unknown } }[];
};

/** Roles of what can be used and has no name, as the browser itself computes names. */
export async function nameless(page: Page): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = (await session.send("Accessibility.getFullAXTree")) as {
    nodes: readonly AxNode[];
  };
  await session.detach();
  return (
    nodes
      .filter(({ ignored, role }) => !ignored && role?.value !== "RootWebArea")
      .filter(({ properties = [] }) =>
        properties.some(({ name, value }) => name === "focusable" && value.value === true),
      )
      // The page's one main part takes the focus from the skip link, and is no control.
      .filter(({ role }) => role?.value !== "main")
      .filter(({ name }) => (name?.value ?? "").trim() === "")
      .map(({ role }) => role?.value ?? "?")
  );
}

/**
 * Presses the Tab key until it comes to where it was, and tells what it missed of all that was there before and
 * after, and where the focus was not to be seen.
 */
export async function tabRound(
  page: Page,
): Promise<{ readonly missed: readonly string[]; readonly unseen: readonly string[] }> {
  const round = await page.evaluateHandle(() => {
    const all = document.querySelectorAll<HTMLElement>(
      "a[href], button, input, textarea, select, [tabindex='0']",
    );
    const usable = [...all].filter(
      (element) => element.checkVisibility() && !element.matches(":disabled, [tabindex='-1']"),
    );
    (document.activeElement as HTMLElement | null)?.blur();
    return { usable, reached: new Set<Element>() };
  });
  const unseen: string[] = [];
  for (let i = 0; i < TABS_MAX; i++) {
    await page.keyboard.press("Tab");
    const { isDone, hidden } = await round.evaluate(({ reached }) => {
      const element = document.activeElement;
      // The browser's own places in between take a press or two.
      const isOwn = !(element instanceof HTMLElement) || element === document.body;
      if (isOwn) return { isDone: false, hidden: null };
      if (reached.has(element)) return { isDone: true, hidden: null };
      reached.add(element);
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const isSeen = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
      return { isDone: false, hidden: isSeen ? null : element.outerHTML.slice(0, 80) };
    });
    if (isDone) break;
    if (hidden !== null) unseen.push(hidden);
  }
  // What the page took away or switched off in the meantime could not be reached.
  const missed = await round.evaluate(({ usable, reached }) =>
    usable
      .filter((element) => element.checkVisibility() && !element.matches(":disabled"))
      .filter((element) => !reached.has(element))
      .map((element) => element.outerHTML.slice(0, 80)),
  );
  return { missed, unseen };
}

/** Visible texts whose contrast is below AA: 4.5, or 3 for large ones. */
export function faint(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    type Colour = readonly [r: number, g: number, b: number, a: number];
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const parse = (text: string): Colour => {
      if (canvas === null) throw new Error("no canvas");
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [r = 0, g = 0, b = 0, a = 0] = canvas.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top: Colour, below: Colour): Colour => {
      const mix = (a: number, b: number): number => a * top[3] + b * (1 - top[3]);
      return [mix(top[0], below[0]), mix(top[1], below[1]), mix(top[2], below[2]), 1];
    };
    const behind = (element: Element | null): Colour => {
      if (element === null) return [255, 255, 255, 1];
      const own = parse(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, behind(element.parentElement));
    };
    const light = ([r, g, b]: Colour): number => {
      const linear = [r, g, b].map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
    };
    const found: string[] = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
      const element = node.parentElement;
      const said = node.nodeValue?.trim() ?? "";
      if (element === null || said === "" || !element.checkVisibility()) continue;
      const style = getComputedStyle(element);
      const background = behind(element);
      const given = element instanceof SVGElement ? style.fill : style.color;
      const colour = over(parse(given), background);
      const [a, b] = [light(colour), light(background)];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const size = Number.parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (isLarge ? 3 : 4.5)) found.push(`${said.slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return found;
  });
}

/** How much wider than its window the page is; 0 where nothing scrolls sideways. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() =>
    Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
  );
}
