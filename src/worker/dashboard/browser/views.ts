/** Three views of one document, told apart by the address: `#overview`, `#op/<sender>/<nonce>`, `#operator`. */

import { must } from "../../../core/types/assert.ts";
import { byId } from "./elements.ts";

export type ViewName = "overview" | "op" | "operator";

const VIEWS: readonly ViewName[] = ["overview", "op", "operator"];

type Place = { readonly view: ViewName; readonly rest: readonly string[] };

/** `entered` is told of each change, with the parts of the address behind the view's name. */
export function startViews(entered: (view: ViewName, rest: readonly string[]) => void): void {
  const show = (isFirst: boolean): void => {
    const place = placeOf(location.hash);
    const isChange = byId(place.view, HTMLElement).hidden;
    for (const name of VIEWS) byId(name, HTMLElement).hidden = name !== place.view;
    mark(place.view);
    entered(place.view, place.rest);
    // Whoever reads by ear or by keyboard goes on where the new view begins.
    if (isChange && !isFirst) headingOf(place.view).focus();
  };
  byId("views", HTMLElement).hidden = false;
  // The address is the view's: the skip link moves the focus and leaves it alone.
  byId("skip", HTMLAnchorElement).addEventListener("click", (event) => {
    event.preventDefault();
    byId("main", HTMLElement).focus();
  });
  addEventListener("hashchange", () => show(false));
  show(true);
}

export function isShown(view: ViewName): boolean {
  return !byId(view, HTMLElement).hidden;
}

/** Any other address is that of the first view. */
function placeOf(hash: string): Place {
  const [name, ...rest] = hash.slice(1).split("/");
  const view = VIEWS.find((one) => one === name);
  return view === undefined ? { view: "overview", rest: [] } : { view, rest };
}

function mark(view: ViewName): void {
  for (const link of byId("views", HTMLElement).querySelectorAll("a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function headingOf(view: ViewName): HTMLElement {
  return must(byId(view, HTMLElement).querySelector<HTMLElement>("h1"), "a view has a heading");
}
