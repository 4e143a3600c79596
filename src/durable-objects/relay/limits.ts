/** How much a relay keeps, asks for and does in one go (X3). Smaller only in tests. */

export type RelayLimits = {
  /** Readers of one object: as many as may leave 8 KiB unanswered all at once. */
  readonly readersMax: number;
  /** F6: bytes that all readers together may leave unanswered: so many, more for each, and at most. */
  readonly readersBytes: number;
  readonly bytesPerReader: number;
  readonly readersBytesMax: number;
  /** The window: records, their bytes, and how long a record stays. */
  readonly windowRecordsMax: number;
  readonly windowBytesMax: number;
  readonly windowMs: number;
  /** How far behind the head a new window begins, and an old one is given up for a new one. */
  readonly beginRecords: number;
  readonly resumeRecords: number;
  /** The newest records, which are held in memory for those who are nearly level. */
  readonly recentRecordsMax: number;
  readonly recentBytesMax: number;
  /** Sends of one slice of a broadcast; what else waits for the object runs in between. */
  readonly sliceSends: number;
  /** From one alarm to the next while there is anything to do. */
  readonly pulseMs: number;
  /** How long upstream may be silent before it is asked whether it has nothing. */
  readonly silenceMs: number;
  /** How long a relay without readers goes on following. */
  readonly idleMs: number;
  /** How long a relay that is ahead of its upstream waits before it begins anew. */
  readonly aheadMs: number;
};

const MIB = 1024 * 1024;

export const RELAY_LIMITS: RelayLimits = {
  readersMax: 8_000,
  readersBytes: 32 * MIB,
  bytesPerReader: 8 * 1024,
  readersBytesMax: 64 * MIB,
  windowRecordsMax: 500_000,
  windowBytesMax: 256 * MIB,
  windowMs: 24 * 60 * 60 * 1000,
  beginRecords: 10_000,
  resumeRecords: 100_000,
  recentRecordsMax: 4_096,
  recentBytesMax: MIB,
  sliceSends: 256,
  pulseMs: 5_000,
  silenceMs: 5_000,
  idleMs: 60_000,
  aheadMs: 15_000,
};
