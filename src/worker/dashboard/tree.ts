/**
 * What the dashboard paints, as data: elements with attributes and children.
 *
 * The Worker writes such a tree as HTML for the first paint; the page's script brings the document to the
 * next tree (`browser/patch.ts`). Both read the same functions, so what is painted first and what is
 * updated later cannot differ. Text is text in either: no tree holds markup, so nothing needs escaping
 * by whoever builds one.
 */

export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export type Tree = {
  readonly tag: string;
  /** Without those that are absent; `true` is an empty text. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Never two texts in a row, nor an empty one: a parser would not give them back. */
  readonly children: readonly (Tree | string)[];
};

export type Child = Tree | string | number | null | false | readonly Child[];

/** Names this element among its siblings, so that it is moved rather than rewritten. */
export const KEY = "data-key";

/** Elements that have no end tag. */
const VOID_TAGS: ReadonlySet<string> = new Set(["br", "hr", "input", "link", "meta"]);

/** One element. Attributes that are null, undefined or false are left out. */
export function h(tag: string, attributes: Attributes, ...children: readonly Child[]): Tree {
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    given.set(name, value === true ? "" : String(value));
  }
  return { tag, attributes: given, children: flatten(children) };
}

/** Children as a document has them: flat, and neighbouring texts in one. */
export function flatten(children: readonly Child[]): readonly (Tree | string)[] {
  const flat: (Tree | string)[] = [];
  append(flat, children);
  return flat;
}

function append(flat: (Tree | string)[], children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === false || child === "") continue;
    if (typeof child === "object" && "tag" in child) {
      flat.push(child);
      continue;
    }
    if (typeof child === "object") {
      append(flat, child);
      continue;
    }
    const last = flat.at(-1);
    if (typeof last === "string") flat[flat.length - 1] = `${last}${child}`;
    else flat.push(String(child));
  }
}

/** HTML text of the tree. */
export function formatHtml(tree: Tree | string): string {
  if (typeof tree === "string") return escapeText(tree);
  const { tag, attributes, children } = tree;
  const given = [...attributes].map(([name, value]) => ` ${name}="${escapeText(value)}"`).join("");
  if (VOID_TAGS.has(tag)) return `<${tag}${given}>`;
  return `<${tag}${given}>${children.map(formatHtml).join("")}</${tag}>`;
}

/** Also right between double quotes. */
function escapeText(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};
