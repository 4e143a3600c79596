/**
 * The operator's page: who leads, who is paused, and the three commands, each asked about before it is sent.
 *
 * The token is in the memory of this page alone: never in storage, never in an address, never on screen.
 */

import type { OverviewBody } from "../../../core/api/overview.ts";
import {
  type Candidate,
  type Command,
  type OperatorState,
  operatorState,
} from "../view/operator-state.ts";
import { byId, paint } from "./elements.ts";
import { messageOf, pause } from "./follow-overview.ts";
import { OperatorRpc } from "./operator-rpc.ts";
import { isShown } from "./views.ts";

const ASK_EVERY_MS = 2_000;

export class OperatorPage {
  #overview: OverviewBody | null = null;
  #rpc: OperatorRpc | null = null;
  #state: OperatorState | null = null;
  #asking = new AbortController();

  start(): void {
    const token = byId("token", HTMLInputElement);
    byId("token-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const rpc = new OperatorRpc(token.value.trim());
      token.value = "";
      void this.#unlock(rpc);
    });
    byId("lock", HTMLButtonElement).addEventListener("click", () => {
      this.#lock();
      say("Locked.");
      token.focus();
    });
    byId("part-operator", HTMLElement).addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button !== null) void this.#command(button);
    });
  }

  /** The leader's numbers, as the overview shows them. */
  show(overview: OverviewBody): void {
    this.#overview = overview;
    if (isShown("operator")) this.#paint();
  }

  async #unlock(rpc: OperatorRpc): Promise<void> {
    this.#lock();
    try {
      this.#state = await rpc.state();
    } catch (error) {
      say(messageOf(error), true);
      return;
    }
    this.#rpc = rpc;
    byId("lock", HTMLButtonElement).hidden = false;
    say("Unlocked.");
    this.#paint();
    void this.#follow(rpc, this.#asking.signal);
  }

  #lock(): void {
    this.#asking.abort();
    this.#asking = new AbortController();
    this.#rpc = null;
    this.#state = null;
    byId("lock", HTMLButtonElement).hidden = true;
    this.#paint();
  }

  async #follow(rpc: OperatorRpc, signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(ASK_EVERY_MS, signal);
      if (signal.aborted) return;
      if (document.hidden || !isShown("operator")) continue;
      await this.#refresh(rpc);
    }
  }

  async #refresh(rpc: OperatorRpc): Promise<void> {
    try {
      const state = await rpc.state();
      if (this.#rpc !== rpc) return;
      this.#state = state;
      this.#paint();
    } catch (error) {
      if (this.#rpc === rpc) say(messageOf(error), true);
    }
  }

  async #command(button: HTMLButtonElement): Promise<void> {
    const { command, candidate: id } = button.dataset;
    const candidate = this.#state?.candidates.find((one) => one.id === id);
    const rpc = this.#rpc;
    if (rpc === null || candidate === undefined || !isCommand(command)) return;
    if (!(await confirm(command, candidate))) return;
    say("Sent…");
    try {
      say(await rpc.command(command, candidate));
    } catch (error) {
      say(messageOf(error), true);
    }
    await this.#refresh(rpc);
  }

  #paint(): void {
    paint("part-operator", this.#state === null ? [] : operatorState(this.#state, this.#overview));
  }
}

function isCommand(text: string | undefined): text is Command {
  return text === "pause" || text === "resume" || text === "transfer";
}

const QUESTIONS: Readonly<Record<Command, readonly [verb: string, text: string]>> = {
  pause: ["Pause", "It takes no operations and stands for no election until it is resumed."],
  resume: ["Resume", "It takes operations again if it leads, and may be elected."],
  transfer: [
    "Hand over to",
    "The leader's epoch ends. What is certified stands; what is not may be voided, and its senders are told.",
  ],
};

/** Whether the operator says yes. The dialog keeps the focus and gives it back. */
function confirm(command: Command, { id }: Candidate): Promise<boolean> {
  const dialog = byId("confirm", HTMLDialogElement);
  const [verb, text] = QUESTIONS[command];
  byId("confirm-title", HTMLElement).textContent = `${verb} candidate ${id}?`;
  byId("confirm-text", HTMLElement).textContent = text;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function say(text: string, isAlarm = false): void {
  const line = byId("operator-said", HTMLElement);
  line.textContent = text;
  line.classList.toggle("alarm", isAlarm);
}
