/**
 * Dark or light: what the system says, until the reader says otherwise.
 *
 * The choice is a cookie, since the first paint is the Worker's: it never begins in the other colours.
 */

import { byId } from "./elements.ts";

const COOKIE_MAX_AGE_S = 31_536_000;

export function startTheme(): void {
  const button = byId("theme", HTMLButtonElement);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = (): boolean => {
    const chosen = document.documentElement.dataset["theme"];
    return chosen === undefined ? dark.matches : chosen === "dark";
  };
  const label = (): void => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset["theme"] = theme;
    // biome-ignore lint/suspicious/noDocumentCookie: the other interface exists in fewer browsers
    document.cookie = `baton-theme=${theme}; path=/; max-age=${COOKIE_MAX_AGE_S}; samesite=strict`;
    label();
  });
  dark.addEventListener("change", label);
  label();
  button.hidden = false;
}
