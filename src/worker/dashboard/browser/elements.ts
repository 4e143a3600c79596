/** Elements of the page that the script relies on. That one is missing is a bug of the page. */

import { must } from "../../../core/types/assert.ts";
import { type Child, flatten } from "../tree.ts";
import { patch } from "./patch.ts";

export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  return must(found instanceof kind ? found : null, `the page has ${id}`);
}

/** Paints into the element of that id. */
export function paint(id: string, children: readonly Child[]): void {
  patch(byId(id, HTMLElement), flatten(children));
}
