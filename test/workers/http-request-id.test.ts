/** Every answer names its request, and the log lines of a refusal name the same one. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { APP, fetchWith, get, ORIGIN, post } from "./requests.ts";
import { faultyApplication, POISON } from "./support/faulty-application.ts";
import { foundWithUsers, transfer } from "./support/history.ts";
import { withRig } from "./support/rig.ts";

const RANDOM = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const nameOf = (response: Response) => response.headers.get("x-request-id");

/** Log lines of this event. */
function linesOf(level: "warn" | "error", event: string) {
  const spy = vi.spyOn(console, level);
  return () =>
    spy.mock.calls
      .map(([line]) => JSON.parse(String(line)) as Record<string, unknown>)
      .filter((line) => line["event"] === event);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a request's name", () => {
  test("is kept where it is well formed", async () => {
    for (const id of ["a", "0b1.c_d:e-F", "x".repeat(128)]) {
      expect(nameOf(await get("/fee", { "x-request-id": id }))).toBe(id);
    }
  });

  test.each(["", " ", "-a", "a b", 'a"b', "ä", "x".repeat(129)])(
    "%j is replaced by a random one",
    async (id) => {
      // What a header cannot hold does not come.
      const headers = /^[\x20-\x7e]*$/.test(id) ? { "x-request-id": id } : {};
      expect(nameOf(await get("/domain", headers))).toMatch(RANDOM);
    },
  );

  test("is on every kind of answer, its own each time, and shown to web pages", async () => {
    const answers = await Promise.all([
      ...["/livez", "/domain", "/nothing", "/overview", `/tx/${APP}/0`].map((path) => get(path)),
      ...[post("{}"), post("{}", "text/plain")],
      fetchWith({ SEQ_CHAIN_ID: "" }, new Request(`${ORIGIN}/fee`)),
    ]);
    const names = answers.map(nameOf);
    for (const name of names) expect(name).toMatch(RANDOM);
    expect(new Set(names).size).toBe(names.length);
    for (const answer of answers) {
      const isPublic = answer.headers.has("access-control-allow-origin");
      const exposed = isPublic ? "x-request-id,retry-after,x-history-error" : null;
      expect(answer.headers.get("access-control-expose-headers")).toBe(exposed);
    }
  });
});

describe("log lines", () => {
  test("a refusal of the server's own names request, method and route, and nothing else of it", async () => {
    const lines = linesOf("warn", "request-refused");
    const headers = { "x-request-id": "mine" };
    expect((await get("/nonce?sender=secret-sender", headers)).status).toBe(400);
    expect((await get("/fee?secret=1", headers)).status).toBe(503);
    expect(lines()).toEqual([
      {
        ...{ level: "warn", event: "request-refused", request_id: "mine" },
        ...{ method: "GET", route: "/fee", status: 503 },
      },
    ]);
  });

  test("a path that is none of ours is not repeated, and health is asked quietly", async () => {
    const lines = linesOf("warn", "request-refused");
    const other = new Request(`${ORIGIN}/secret/path`);
    expect((await fetchWith({ SEQ_CHAIN_ID: "" }, other)).status).toBe(503);
    expect((await get("/healthz")).status).toBe(503);
    expect((await get("/readyz")).status).toBe(503);
    expect(lines().map(({ route }) => route)).toEqual(["other"]);
  });

  test("there are at most ten in a second", async () => {
    // A second of its own, in which nothing was logged.
    const startMs = Date.now() + 5_000;
    vi.spyOn(Date, "now").mockReturnValue(startMs);
    const lines = linesOf("warn", "request-refused");
    for (let i = 0; i < 15; i++) await get("/fee");
    expect(lines()).toHaveLength(10);
    vi.spyOn(Date, "now").mockReturnValue(startMs + 1_000);
    await get("/fee");
    expect(lines()).toHaveLength(11);
  });

  test("a group that failed names the request of its first op", () =>
    withRig(
      async (rig) => {
        foundWithUsers(rig, 1);
        const lines = linesOf("error", "chunk-failed");
        const poisoned = { ...transfer(0, 0), data: Uint8Array.of(POISON.inApply) };
        expect(await rig.lane.submit({ ...poisoned, requestId: "mine" })).toMatchObject({
          error: { code: "INTERNAL_ERROR" },
        });
        expect(await rig.lane.submit(poisoned)).toMatchObject({ ok: false });
        expect(lines().map((line) => line["request_id"])).toEqual(["mine", null]);
      },
      { application: faultyApplication },
    ));
});
