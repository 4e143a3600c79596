/** The operator's page before it is unlocked: where the token goes, and the question that every command asks. */

import { type Child, h } from "../tree.ts";

export function operatorView(): readonly Child[] {
  return [
    h(
      "section",
      { class: "page", "aria-labelledby": "operator-title" },
      h("h1", { id: "operator-title", tabindex: -1 }, "Operator"),
      h(
        "p",
        { class: "lead" },
        "The token stays in this tab. It is sent to this sequencer and to nobody else, and is gone when the page is closed or loaded again.",
      ),
      h(
        "form",
        { id: "token-form", class: "form form-line", "aria-label": "Operator token" },
        h(
          "div",
          { class: "field" },
          h("label", { for: "token" }, "Operator token"),
          h("input", {
            id: "token",
            name: "token",
            type: "password",
            autocomplete: "off",
            required: true,
            class: "code",
          }),
        ),
        h("button", { type: "submit" }, "Unlock"),
        h("button", { type: "button", id: "lock", class: "quiet", hidden: true }, "Lock"),
      ),
      h("div", { id: "operator-said", class: "said-line", role: "status" }),
      h("div", { id: "part-operator" }),
    ),
    h(
      "dialog",
      { id: "confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      h("h2", { id: "confirm-title" }, "Are you sure?"),
      h("p", { id: "confirm-text" }),
      h(
        "form",
        { method: "dialog", class: "buttons", "aria-label": "Confirm" },
        h("button", { value: "no", class: "quiet" }, "Leave it"),
        h("button", { value: "yes", id: "confirm-yes", class: "danger" }, "Do it"),
      ),
    ),
  ];
}
