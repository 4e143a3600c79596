/**
 * Brings a part of the document to a tree, changing no more than what differs.
 *
 * Elements stay where they can, and with them the focus, the selection and the scroll position. Nothing is
 * parsed here: texts become text nodes and attributes are set one by one, so no text can become markup,
 * and the page needs no leave to write any.
 */

import { KEY, type Tree } from "../tree.ts";

const SVG = "http://www.w3.org/2000/svg";

/** Makes the children of `parent` those of the tree. */
export function patch(parent: Element, wanted: readonly (Tree | string)[]): void {
  const kept = keyedChildren(parent);
  dropUnwanted(kept, wanted);
  let at = parent.firstChild;
  for (const tree of wanted) {
    const reused = typeof tree === "string" ? reuseText(at) : reuseElement(tree, at, kept);
    const node = reused ?? create(parent, tree);
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
    update(node, tree);
  }
  while (at !== null) {
    const next: ChildNode | null = at.nextSibling;
    at.remove();
    at = next;
  }
}

function keyedChildren(parent: Element): Map<string, Element> {
  const kept = new Map<string, Element>();
  for (const child of parent.children) {
    const key = child.getAttribute(KEY);
    if (key !== null) kept.set(key, child);
  }
  return kept;
}

/** First of all, so that what stays is found in its place. */
function dropUnwanted(kept: Map<string, Element>, wanted: readonly (Tree | string)[]): void {
  const keys = new Set(wanted.map((tree) => (typeof tree === "string" ? "" : keyOf(tree))));
  for (const [key, element] of kept) {
    if (keys.has(key)) continue;
    element.remove();
    kept.delete(key);
  }
}

function keyOf({ attributes }: Tree): string | undefined {
  return attributes.get(KEY);
}

function reuseText(at: ChildNode | null): ChildNode | null {
  return at instanceof Text ? at : null;
}

/** The element of the same key, or one without a key that stands in the place. */
function reuseElement(
  tree: Tree,
  at: ChildNode | null,
  kept: ReadonlyMap<string, Element>,
): ChildNode | null {
  const key = keyOf(tree);
  const found = key === undefined ? at : (kept.get(key) ?? null);
  if (!(found instanceof Element) || found.localName !== tree.tag) return null;
  return key === undefined && found.hasAttribute(KEY) ? null : found;
}

function create(parent: Element, tree: Tree | string): Element | Text {
  if (typeof tree === "string") return document.createTextNode(tree);
  const isSvg = tree.tag === "svg" || parent.namespaceURI === SVG;
  return isSvg ? document.createElementNS(SVG, tree.tag) : document.createElement(tree.tag);
}

function update(node: Node, tree: Tree | string): void {
  if (typeof tree === "string") {
    if (node.nodeValue !== tree) node.nodeValue = tree;
    return;
  }
  if (!(node instanceof Element)) return;
  for (const name of node.getAttributeNames()) {
    if (!tree.attributes.has(name)) node.removeAttribute(name);
  }
  for (const [name, value] of tree.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  patch(node, tree.children);
}
