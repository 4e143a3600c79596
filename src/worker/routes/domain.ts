/** `GET /domain` (I6): the EIP-712 domain that user ops are signed under. Needs no object. */

import { Hono } from "hono";
import { checksumAddress } from "../../core/wire/address.ts";
import { DOMAIN_NAME, DOMAIN_VERSION } from "../../core/wire/user-op.ts";
import { refuseMethod } from "../errors.ts";
import { json } from "../json.ts";
import type { Site } from "../site.ts";

export const domain = new Hono<Site>()
  .get("/domain", (c) => {
    const { chainId, app } = c.var.deployment.config;
    const verifyingContract = checksumAddress(app);
    return json({ name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract });
  })
  .all("/domain", () => refuseMethod("GET, HEAD"));
