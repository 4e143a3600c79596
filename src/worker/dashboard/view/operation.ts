/** The form of the operation page: a sender and a nonce, or a receipt, and by what it is to be verified. */

import { type Child, h, type Tree } from "../tree.ts";

export function operationView(): readonly Child[] {
  return [
    h(
      "section",
      { class: "page", "aria-labelledby": "op-title" },
      h("h1", { id: "op-title", tabindex: -1 }, "Operation"),
      h(
        "p",
        { class: "lead" },
        "Find out where an operation is, and what its receipt proves. Receipts are verified here, in your browser.",
      ),
      h(
        "div",
        { class: "columns" },
        h("div", {}, findForm(), verifyForm()),
        h("div", { id: "part-op", class: "result", role: "status" }),
      ),
    ),
  ];
}

function findForm(): Tree {
  return h(
    "form",
    {
      id: "find-form",
      class: "form",
      "aria-label": "Find by sender and nonce",
      autocomplete: "off",
    },
    field("find-sender", "Sender", null, {
      placeholder: "0x…",
      maxlength: 42,
      required: true,
      ...CODE,
    }),
    field("find-nonce", "Nonce", null, {
      inputmode: "numeric",
      maxlength: 10,
      required: true,
      ...CODE,
    }),
    h("button", { type: "submit" }, "Find"),
  );
}

function verifyForm(): Tree {
  return h(
    "form",
    { id: "verify-form", class: "form", "aria-label": "Verify a receipt", autocomplete: "off" },
    area("receipt", "Receipt, or an answer that holds one", null),
    field(
      "genesis",
      "Genesis of the committee you trust",
      "Hash of its first epoch record. Left empty, this sequencer's own word is taken, and the verdict says so.",
      { placeholder: "0x…", maxlength: 66, ...CODE },
    ),
    area(
      "epochs",
      "Epoch records",
      "As GET /epochs gives them. Left empty, they are fetched: they prove themselves from the genesis on.",
    ),
    h("button", { type: "submit" }, "Verify"),
  );
}

const CODE = { spellcheck: "false", autocapitalize: "off", autocomplete: "off", class: "code" };

type Given = Readonly<Record<string, string | number | boolean>>;

function field(id: string, label: string, hint: string | null, given: Given): Tree {
  return labelled(
    id,
    label,
    hint,
    h("input", { id, name: id, ...describedBy(id, hint), ...given }),
  );
}

function area(id: string, label: string, hint: string | null): Tree {
  const box = h("textarea", { id, name: id, rows: 4, ...CODE, ...describedBy(id, hint) });
  return labelled(id, label, hint, box);
}

function labelled(id: string, label: string, hint: string | null, box: Tree): Tree {
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    box,
    hint === null ? null : h("p", { id: `${id}-hint`, class: "hint" }, hint),
  );
}

function describedBy(id: string, hint: string | null): Given {
  return hint === null ? {} : { "aria-describedby": `${id}-hint` };
}
