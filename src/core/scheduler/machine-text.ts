/**
 * The machine behind text: JSON and hex in, JSON out, for a host that shares nothing but strings with it.
 *
 *     open('{"submitter": "0x…", "application_config": {…}}')     fields of `GET /deployment`
 *     advance('0x…')    an input as InputBox stored it: call data of `EvmAdvance`
 *     inspect('0x…')    a query
 *
 * Both answer a JSON array of what is emitted, in order:
 *
 *     {"kind": "notice", "payload": "0x…"}
 *     {"kind": "voucher", "destination": "0x…", "value": "0x…" (32 bytes), "payload": "0x…"}
 *     {"kind": "report", "payload": "0x…"}
 */

import type { Application } from "../application/application.ts";
import { assert, must } from "../types/assert.ts";
import { type Address, fromHex, parseAddress, toHex } from "../types/hex.ts";
import { createMachine, type Emitted } from "./machine.ts";

export type TextMachine = {
  readonly advance: (input: string) => string;
  readonly inspect: (query: string) => string;
};

/** Asserts that the settings are complete: a machine with others is another rollup. */
export function openMachine<Config>(
  application: Application<Config>,
  settings: string,
): TextMachine {
  const given: Readonly<Record<string, unknown>> = JSON.parse(settings);
  const { submitter, application_config: description } = given;
  assert(isRecord(description), "the settings have an application_config");
  const machine = createMachine({
    application,
    config: must(application.parseDescription(description), "the application knows its settings"),
    submitter: addressOf(submitter),
  });
  return {
    advance: (input) => format(machine.advance(fromHex(input))),
    inspect: (query) => format(machine.inspect(fromHex(query))),
  };
}

function addressOf(value: unknown): Address {
  return must(
    typeof value === "string" ? parseAddress(value) : null,
    "the submitter is an address",
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function format(emitted: readonly Emitted[]): string {
  return JSON.stringify(emitted.map(formatOne));
}

function formatOne(one: Emitted): Readonly<Record<string, string>> {
  const payload = toHex(one.payload);
  if (one.kind !== "voucher") return { kind: one.kind, payload };
  const value = `0x${one.value.toString(16).padStart(64, "0")}`;
  return { kind: one.kind, destination: one.destination, value, payload };
}
