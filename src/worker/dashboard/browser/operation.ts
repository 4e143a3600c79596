/** The operation page: asks where an op is until that is final, and verifies receipts. */

import type { Client, Transaction } from "../../../sdk/client-types.ts";
import { BatonError } from "../../../sdk/errors.ts";
import type { Epochs } from "../../../sdk/verify-receipt.ts";
import { type OpResult, operationResult } from "../view/op-result.ts";
import { byId, paint } from "./elements.ts";
import { messageOf, pause } from "./follow-overview.ts";
import type { Verifier } from "./verifier.ts";

const ASK_EVERY_MS = 1_000;
const NOTHING: OpResult = { where: null, problem: null, isVerifying: false, verdict: null };
const HASH = /^0x[0-9a-f]{64}$/;

export class OperationPage {
  readonly #client: Client;
  #result: OpResult = NOTHING;
  #asking = new AbortController();

  constructor(client: Client) {
    this.#client = client;
  }

  start(): void {
    byId("find-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const [sender, nonce] = [textIn("find-sender"), textIn("find-nonce")];
      const hash = `#op/${sender}/${nonce}`;
      if (location.hash === hash) this.open(sender, nonce);
      else location.hash = hash;
    });
    byId("verify-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#asking.abort();
      this.#set(NOTHING);
      void this.#verify();
    });
  }

  /** Shows where an op is, and verifies the receipt that comes with it. */
  open(sender: string, nonce: string): void {
    input("find-sender").value = sender;
    input("find-nonce").value = nonce;
    this.leave();
    this.#set(NOTHING);
    void this.#follow(sender, nonce, this.#asking.signal);
  }

  leave(): void {
    this.#asking.abort();
    this.#asking = new AbortController();
  }

  async #follow(sender: string, nonce: string, signal: AbortSignal): Promise<void> {
    const number = /^[0-9]{1,10}$/.test(nonce) ? Number(nonce) : Number.NaN;
    let verified: string | null = null;
    while (!signal.aborted) {
      try {
        const where: Transaction = await this.#client.transaction(sender, number, { signal });
        this.#set({ ...this.#result, where, problem: null });
        // The receipt of a higher tier replaces the one before it.
        if (where.receipt !== null && where.receipt !== verified) {
          verified = where.receipt;
          area("receipt").value = where.receipt;
          await this.#verify();
        }
        if (where.state === "settled" || where.state === "voided") return;
      } catch (error) {
        if (signal.aborted) return;
        this.#set({ ...this.#result, problem: messageOf(error) });
        if (!(error instanceof BatonError) || error.code !== "UNREACHABLE") return;
      }
      await pause(ASK_EVERY_MS, signal);
    }
  }

  async #verify(): Promise<void> {
    this.#set({ ...this.#result, isVerifying: true, verdict: null });
    try {
      const verifier = await loadVerifier();
      const isPinned = textIn("genesis") !== "";
      const epochs = await this.#epochs();
      const verdict = await verifier.verify(area("receipt").value, epochs, isPinned);
      this.#set({ ...this.#result, isVerifying: false, verdict });
    } catch (error) {
      const verdict = { kind: "unknown", says: `It cannot be told: ${messageOf(error)}.` } as const;
      this.#set({ ...this.#result, isVerifying: false, verdict });
    }
  }

  /** What the fields say, and for what they leave out, this sequencer. Throws what is said of a field. */
  async #epochs(): Promise<Epochs> {
    const [pinned, pasted] = [textIn("genesis").toLowerCase(), area("epochs").value.trim()];
    if (pinned !== "" && !HASH.test(pinned)) throw new Error("a genesis is 0x and 64 hex digits");
    const given = pasted === "" ? await this.#client.epochs() : epochsIn(pasted);
    if (pinned !== "") return { ...given, genesis: pinned };
    const { committee } = await this.#client.deployment();
    if (committee === null) throw new Error("this sequencer has no committee, and so no genesis");
    return { ...given, genesis: committee.genesis };
  }

  #set(result: OpResult): void {
    this.#result = result;
    paint("part-op", operationResult(result));
  }
}

/** The body of `GET /epochs`, or the records alone. */
function epochsIn(text: string): Pick<Epochs, "records"> {
  const value: unknown = JSON.parse(text);
  const records: unknown = Array.isArray(value)
    ? value
    : typeof value === "object" && value !== null && "records" in value
      ? value.records
      : null;
  if (!Array.isArray(records) || !records.every((one) => typeof one === "string")) {
    throw new Error('epoch records have the shape {"records":["0x…"]}');
  }
  return { records };
}

/** Only who verifies a receipt loads the curves. */
async function loadVerifier(): Promise<Verifier> {
  const module: Verifier = await import(document.body.dataset["verifier"] ?? "");
  return module;
}

function input(id: string): HTMLInputElement {
  return byId(id, HTMLInputElement);
}

function area(id: string): HTMLTextAreaElement {
  return byId(id, HTMLTextAreaElement);
}

function textIn(id: string): string {
  return input(id).value.trim();
}
