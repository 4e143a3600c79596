/** Bounds that consensus or several layers share. Code, not configuration. */

/** S4: age in blocks at which the scheduler skips a batch and force-drains a direct input. */
export const MAX_WAIT_BLOCKS: number = 1200;
/** S5: how far the safe head runs ahead of the open frame before a new frame opens. */
export const FRAME_CLOCK_INTERVAL_SAFE_BLOCKS: number = 5;
/** Largest payload that InputBox takes: the encoded EvmAdvance must fit in 65 536 bytes. */
export const INPUT_PAYLOAD_BYTES_MAX: number = 65_216;
/** Bytes of a user op's signature: r, s, v. */
export const SIGNATURE_BYTES: number = 65;
/** Section 10: largest body of a public request. */
export const BODY_BYTES_MAX: number = 4096;
/** Section 10: ops that wait for the lane. */
export const QUEUE_OPS_MAX: number = 8192;
/** Section 10: ops in one chunk. */
export const CHUNK_OPS_MAX: number = 64;
/** I9: messages of one submit connection that may wait for their answer. */
export const SUBMIT_UNANSWERED_MAX: number = 1024;
/**
 * I9: calls to the object that one submit connection makes. The platform counts calls per request,
 * and a connection is one request for as long as it lives.
 */
export const SUBMIT_CALLS_MAX: number = 900;
/**
 * I9: messages that one submit connection takes, as many as its calls could carry. What is refused
 * needs no call, and a socket does not tell whether its answers are read.
 */
export const SUBMIT_MESSAGES_MAX: number = SUBMIT_CALLS_MAX * CHUNK_OPS_MAX;
/** Section 10: bytes of one BLOB in SQLite, and the size at which a chunk of directs is cut. */
export const BLOB_BYTES_MAX: number = 1024 * 1024;
/** V1: largest application state. */
export const STATE_BYTES_MAX: number = 32 * 1024 * 1024;
/** L2, section 10: L1 sends in one tick, and batches in flight. */
export const SENDS_PER_TICK_MAX: number = 16;
/** F4: subscribers of one sequencer object. */
export const SUBSCRIBERS_MAX: number = 64;
/** F4: deliverable records that a subscriber may be behind. */
export const CATCH_UP_RECORDS_MAX: number = 50_000;
/** Section 10: bytes of one inbound socket message. */
export const SOCKET_MESSAGE_BYTES_MAX: number = 8 * 1024;
