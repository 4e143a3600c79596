/**
 * What the objects of one deployment say to each other directly: a message, as bytes.
 *
 * Only our own Worker holds the bindings, so the sender is who it says it is. Between deployments the
 * same bytes go signed (`CommitteeMemberApi.deliverSigned`). As a value a message would be cloned field
 * by field, which costs more than all that is done with it.
 */

export type CommitteePeer = {
  /**
   * `from` and `to`: endpoints as the epoch record names them. Taken, not yet handled; what is no
   * message, or one of a version that this object does not know, is dropped. Answers the bytes of the ack
   * that the message asks for, where there is one soon.
   */
  deliver(from: string, to: string, message: Uint8Array): Promise<Uint8Array | null>;
};
