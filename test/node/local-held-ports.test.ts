/** Ports that are chosen before their process runs. */

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HeldPorts } from "../../src/local/held-ports.ts";

let ports: HeldPorts;

beforeEach(() => {
  ports = new HeldPorts();
});
afterEach(() => ports.releaseAll());

test("any port is none that an outgoing connection may be given, and nobody else's", async () => {
  const others = new HeldPorts();
  const held = await Promise.all(
    Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? ports : others).holdAny()),
  );
  for (const port of held) {
    expect(port).toBeGreaterThanOrEqual(10_000);
    expect(port).toBeLessThan(32_768);
  }
  expect(new Set(held).size).toBe(400);
  await others.releaseAll();
});

test("a port that is held is in use until it is released, also once somebody asked there", async () => {
  const port = await ports.holdAny();
  const address = { host: "127.0.0.1", port };
  const early = connect(port, "127.0.0.1");
  await once(early, "close");
  await expect(new HeldPorts().hold(address, "do this")).rejects.toThrow(
    new RegExp(`^127\\.0\\.0\\.1:${port} is in use: do this$`),
  );
  await ports.release(port);
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  await expect(ports.hold(address, "do this")).rejects.toThrow("is in use");
  server.close();
  await once(server, "close");
  await ports.hold(address, "do this");
});

test("an address that is not this machine's is one line, with what to do", async () => {
  await expect(ports.hold({ host: "192.0.2.1", port: 3000 }, "do this")).rejects.toThrow(
    /^192\.0\.2\.1:3000 cannot be listened on: do this$/,
  );
});
