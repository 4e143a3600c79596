/** The counter's Worker: what `wrangler.toml` names. */

import { mount } from "baton-sequencer/worker";
import { counter } from "./counter.ts";

const mounted = mount(counter);

export class Sequencer extends mounted.Sequencer {}
export class Relay extends mounted.Relay {}

export default mounted.worker;
