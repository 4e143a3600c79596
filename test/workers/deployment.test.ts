/** `GET /deployment`: what a verifier takes on trust is what the database was begun with (I6, V4). */

import { expect, test } from "vitest";
import { deployment } from "../../src/durable-objects/sequencer/status.ts";
import { found, pin } from "./support/history.ts";
import { withRig } from "./support/rig.ts";

test("[I6] there is none before the genesis", () =>
  withRig((rig) => {
    expect(deployment(rig.runtime)).toMatchObject({ error: { status: 503, retryAfterS: 2 } });
    pin(rig);
    expect(deployment(rig.runtime)).toMatchObject({ error: { status: 503 } });
  }));

test("[V4] the application's configuration is the one that the state was made with", () =>
  withRig((rig) => {
    found(rig);
    const before = deployment(rig.runtime);
    expect(before).toMatchObject({ ok: true, value: { application_config: expect.anything() } });
    // An operator's mistake: the object refuses to serve, and what it says of itself stays true.
    const other = rig.wake({ vars: { SEQ_FEE_RECIPIENT: `0x${"99".repeat(20)}` } });
    expect(other.service.derive()).toBe("refused");
    expect(deployment(other.runtime)).toEqual(before);
  }));
