/** The small things that every part of the page is made of. */

import { type Child, h, type Tree } from "../tree.ts";
import { short } from "../words.ts";

/**
 * A value of `GET /overview` as it is shown. `field` is its path in the body and the value itself stands
 * beside the words for it, so that whoever compares the page with the interface need not read words.
 */
export function figure(field: string, value: number | string | null, text: string): Tree {
  return h("span", figureAttributes(field, value), text);
}

/** The same for text within a picture. */
export function figureAttributes(
  field: string,
  value: number | string | null,
): { readonly class: string; readonly "data-field": string; readonly "data-value": string } {
  return { class: "n", "data-field": field, "data-value": String(value) };
}

/** A part of the page under a heading of its own; `id` is that of the part. */
export function panel(id: string, title: string, ...children: readonly Child[]): Tree {
  const heading = `${id}-title`;
  return h(
    "section",
    { class: `panel panel-${id}`, "aria-labelledby": heading },
    h("h2", { id: heading }, title),
    ...children,
  );
}

/** A list of facts: name and value. */
export function facts(...rows: readonly (readonly [name: string, value: Child] | null)[]): Tree {
  const given = rows.filter((row) => row !== null);
  return h(
    "dl",
    { class: "facts" },
    given.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** A hash, a key or an address, cut; all of it is in the title. */
export function hash(text: string, field: string | null = null): Tree {
  const named = field === null ? {} : { "data-field": field, "data-value": text };
  return h("code", { ...named, title: text }, short(text));
}

/** A word for a state, in the state's colour. */
export function tag(kind: string, text: string): Tree {
  return h("span", { class: `tag tag-${kind}` }, text);
}

export function note(...children: readonly Child[]): Tree {
  return h("p", { class: "note" }, ...children);
}
