/**
 * The document: what never changes, and in it every part as it is at this moment.
 *
 * Without its script it shows all numbers of one answer to `GET /overview`. With it the three views are
 * three pages of one document, and everything below follows the sequencer.
 */

import type { Model } from "./model.ts";
import { idOf, PARTS, type PartName } from "./parts.ts";
import { type Child, formatHtml, h, type Tree } from "./tree.ts";
import { operationView } from "./view/operation.ts";
import { operatorView } from "./view/operator.ts";
import { panel } from "./view/parts.ts";

/** Addresses that hold the hash of what they serve. */
export type AssetPaths = {
  readonly style: string;
  readonly script: string;
  /** Loaded when a receipt is verified: most of it is elliptic curves. */
  readonly verifier: string;
  readonly icon: string;
};

/** What the reader chose; null: what the system says. */
export type Theme = "light" | "dark" | null;

export function formatPage(model: Model, theme: Theme, assets: AssetPaths): string {
  const page = h(
    "html",
    { lang: "en", "data-theme": theme },
    h(
      "head",
      {},
      h("meta", { charset: "utf-8" }),
      h("title", {}, titleOf(model)),
      h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      h("meta", { name: "color-scheme", content: theme ?? "light dark" }),
      h("link", { rel: "stylesheet", href: assets.style }),
      h("link", { rel: "icon", href: assets.icon, type: "image/svg+xml" }),
      h("script", { type: "module", src: assets.script }),
    ),
    h(
      "body",
      { "data-verifier": assets.verifier },
      h("a", { id: "skip", class: "skip", href: "#main" }, "Skip to content"),
      header(model),
      h(
        "main",
        { id: "main", tabindex: -1 },
        h("div", { id: "overview" }, overview(model)),
        h("div", { id: "op", hidden: true }, operationView()),
        h("div", { id: "operator", hidden: true }, operatorView()),
      ),
      footer(),
    ),
  );
  return `<!doctype html>${formatHtml(page)}`;
}

export function titleOf({ overview }: Model): string {
  const name = overview?.deployment?.application;
  return name === undefined ? "Baton" : `Baton · ${name}`;
}

function header(model: Model): Tree {
  return h(
    "header",
    { class: "top" },
    h("p", { class: "name" }, mark(), "Baton"),
    part("identity", model, "p", { class: "identity" }),
    h(
      "nav",
      { id: "views", "aria-label": "Views", hidden: true },
      VIEWS.map(([id, text]) => h("a", { href: `#${id}` }, text)),
    ),
    h("button", { type: "button", id: "theme", class: "quiet", hidden: true }, "Theme"),
  );
}

/** Id in the address, and name. */
const VIEWS = [
  ["overview", "Overview"],
  ["op", "Operation"],
  ["operator", "Operator"],
] as const;

/** A baton between two hands: the line and its two ends. */
function mark(): Tree {
  return h(
    "svg",
    { viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true", class: "mark" },
    h("line", { x1: 4, y1: 16, x2: 16, y2: 4 }),
    h("circle", { cx: 4, cy: 16, r: 2.5 }),
    h("circle", { cx: 16, cy: 4, r: 2.5 }),
  );
}

function overview(model: Model): readonly Child[] {
  const at = (name: PartName) => part(name, model);
  return [
    h(
      "section",
      { class: "hero", "aria-labelledby": "status-title" },
      h("h1", { id: "status-title", class: "hidden", tabindex: -1 }, "Overview"),
      h(
        "div",
        {},
        part("headline", model, "div", { role: "status" }),
        part("moment", model, "p", { class: "moment" }),
      ),
      part("figures", model, "dl", { class: "figures" }),
    ),
    h(
      "div",
      { class: "grid" },
      panel("pipeline", "From order to settlement", at("pipeline")),
      panel("promise", "Promise clock", at("promise")),
      panel("batches", "Batches", at("batches")),
      panel("throughput", "Operations per second", at("throughput")),
      panel("latency", "Latency", at("latency")),
      panel("distribution", "How long it took", at("distribution")),
      panel("feed", "Feed", at("feed-state"), at("feed")),
      h(
        "div",
        { class: "side" },
        panel("committee", "Committee", at("committee")),
        panel("recovery", "Recovery", at("recovery")),
      ),
      panel("l1", "L1", at("l1")),
      panel("counts", "Counted", at("counts")),
      panel("deployment", "Deployment", at("deployment")),
    ),
  ];
}

function part(
  name: PartName,
  model: Model,
  tag = "div",
  attributes: Readonly<Record<string, string>> = {},
): Tree {
  return h(tag, { id: idOf(name), ...attributes }, PARTS[name](model));
}

function footer(): Tree {
  const links = ["/overview", "/healthz", "/deployment", "/feed", "/metrics"];
  return h(
    "footer",
    { class: "bottom" },
    h("p", {}, "This page asks nobody but the sequencer that sent it, and shows what these say:"),
    h(
      "ul",
      {},
      links.map((path) => h("li", {}, h("a", { href: path }, path))),
    ),
  );
}
