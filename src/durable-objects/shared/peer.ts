/**
 * What the objects of one deployment say to each other directly: a message, as a value.
 *
 * Only our own Worker holds the bindings, so the sender is who it says it is. Between deployments the
 * same messages go as signed bytes (`CommitteeMemberApi.deliverSigned`).
 */

import type { Message } from "../../consensus/messages.ts";

export type CommitteePeer = {
  /** `from` and `to`: endpoints as the epoch record names them. Taken, not yet handled. */
  deliver(from: string, to: string, message: Message): Promise<void>;
};
