/**
 * The composition root: which application this deployment runs (X4).
 *
 * Another rollup changes the first import, and nothing else in `src/worker`; one in a repository of its
 * own has a file like this one. What the classes are given is in `mount.ts`.
 */

import { walletApplication as application } from "../apps/wallet/wallet.ts";
import { mount } from "./mount.ts";

const mounted = mount(application);

/** The object class that `wrangler.toml` binds: the sequencer with its application mounted. */
export class Sequencer extends mounted.Sequencer {}

/** A validator of the committee, with the same application to execute in mode `full`. */
export class Validator extends mounted.Validator {}

/** Collects ops for the sequencer, where `SEQ_GATEWAYS` says so (X2). */
export class Gateway extends mounted.Gateway {}

/** Serves the feed to readers near it (X3). */
export class Relay extends mounted.Relay {}

export default mounted.worker;
