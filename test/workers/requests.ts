/**
 * Requests to the real Worker and the real object, with no L1 to be had: the object never serves.
 * Storage is shared within a test file only.
 */

import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";
import worker from "../../src/worker/index.ts";
import { TEST_VARIABLES } from "../support/variables.ts";
import vectors from "../vectors/eip712.json" with { type: "json" };

// The pool hands this one object to the Worker and to the objects it creates.
Object.assign(env, TEST_VARIABLES);

export const ORIGIN = "https://sequencer.test";
export const APP = vectors.domain.verifyingContract;

export function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(new Request(ORIGIN + path, { headers }));
}

export function call(method: string, path: string, headers = {}): Promise<Response> {
  return exports.default.fetch(new Request(ORIGIN + path, { method, headers }));
}

export function post(body: BodyInit, contentType = "application/json"): Promise<Response> {
  const headers = { "content-type": contentType };
  return exports.default.fetch(new Request(`${ORIGIN}/tx`, { method: "POST", headers, body }));
}

/** The same Worker under another environment. */
export async function fetchWith(other: object, request: Request): Promise<Response> {
  const fetch = worker.fetch ?? expect.fail("the Worker answers requests");
  const incoming = new Request(request) as Parameters<typeof fetch>[0];
  return await fetch(incoming, { ...env, ...other }, createExecutionContext());
}

export async function refusalOf(response: Response): Promise<unknown[]> {
  expect(response.headers.get("content-type")).toBe("application/json");
  const body = await response.json<Record<string, unknown>>();
  expect(Object.keys(body)).toEqual(["ok", "code", "message"]);
  expect(body["ok"]).toBe(false);
  return [response.status, body["code"], body["message"]];
}

export const STARTING = [503, "UNAVAILABLE", "sequencer starting"];
