/**
 * Thousands of readers of one feed, in a process of their own: `node relay-readers.ts`, driven over IPC.
 *
 * Each checks that every record comes once and in order, and answers after 4 to 8 KiB, not all at the same
 * record (X3). When the run is over they are told when each op was sent, and tell how late its record was everywhere.
 */

import { WebSocket } from "ws";
import { parseFrame, readRelayed } from "../src/core/feed/relayed.ts";

export type Order =
  | { readonly is: "open"; readonly url: string; readonly count: number; readonly from: number }
  | { readonly is: "report"; readonly sentAtMs: Readonly<Record<number, number>> };

export type Report =
  | { readonly is: "opened" }
  | {
      readonly is: "report";
      /** Readers that have every record, in order, and whose socket is open. */
      readonly whole: number;
      readonly closed: number;
      readonly deliveries: number;
      readonly p50Ms: number;
      readonly p99Ms: number;
      readonly maxMs: number;
    };

type Reader = {
  readonly socket: WebSocket;
  cursor: number;
  /** Bytes until its next answer. */
  left: number;
  isWrong: boolean;
};

/** Records of one text frame; `isWhole`: their offsets follow each other. */
type Frame = { readonly offsets: readonly number[]; readonly isWhole: boolean };

/** Sockets that are opened at a time. */
const OPENING = 64;
const ACK_BYTES = 8 * 1024;
/** Texts of frames whose offsets are known: all readers get the same ones. */
const FRAMES_KEPT = 256;

const readers: Reader[] = [];
const arrivals: { readonly frame: Frame; readonly atMs: number }[][] = [];
const frames = new Map<string, Frame>();

const nowMs = () => performance.timeOrigin + performance.now();
const send = (report: Report) => process.send?.(report);

process.on("message", (order: Order) => {
  if (order.is === "open") void openAll(order).then(() => send({ is: "opened" }));
  else send(report(order.sentAtMs));
});

async function openAll({ url, count, from }: Extract<Order, { is: "open" }>): Promise<void> {
  let left = count;
  const loops = Array.from({ length: OPENING }, async () => {
    while (left > 0) {
      left -= 1;
      await open(url, from);
    }
  });
  await Promise.all(loops);
}

function open(url: string, from: number): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const reader: Reader = { socket, cursor: from, left: untilAck(), isWrong: false };
  readers.push(reader);
  socket.on("message", (data) => receive(reader, String(data)));
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve());
    socket.on("error", reject);
  });
}

function receive(reader: Reader, text: string): void {
  const frame = frameOf(text);
  note(frame, nowMs());
  // No rollback happens in a run, so there is no hole to be explained.
  if (!frame.isWhole || frame.offsets[0] !== reader.cursor + 1) reader.isWrong = true;
  reader.cursor = frame.offsets.at(-1) ?? reader.cursor;
  reader.left -= text.length;
  if (reader.left > 0) return;
  reader.left = untilAck();
  reader.socket.send(`{"ack":${reader.cursor}}`);
}

function untilAck(): number {
  return ACK_BYTES * (0.5 + Math.random() / 2);
}

function frameOf(text: string): Frame {
  const known = frames.get(text);
  if (known !== undefined) return known;
  const values = text.startsWith("[") ? parseFrame(text) : [JSON.parse(text) as unknown];
  const offsets = (values ?? []).map((value) => {
    const record = readRelayed(value);
    return record?.kind === "record" ? record.offset : -1;
  });
  const isWhole = offsets.every((offset, i) => offset === (offsets[0] ?? 0) + i);
  const frame = { offsets, isWhole };
  if (frames.size >= FRAMES_KEPT) frames.clear();
  frames.set(text, frame);
  return frame;
}

/** In blocks, so that no array is copied while it grows. */
function note(frame: Frame, atMs: number): void {
  let block = arrivals.at(-1);
  if (block === undefined || block.length >= 65_536) {
    block = [];
    arrivals.push(block);
  }
  block.push({ frame, atMs });
}

function report(sentAtMs: Readonly<Record<number, number>>): Report {
  const last = Math.max(...Object.keys(sentAtMs).map(Number));
  const late = Float64Array.from(
    arrivals.flatMap((block) =>
      block.flatMap(({ frame, atMs }) =>
        frame.offsets.flatMap((offset) => {
          const sent = sentAtMs[offset];
          return sent === undefined ? [] : [atMs - sent];
        }),
      ),
    ),
  ).sort();
  const at = (part: number) => late[Math.max(0, Math.ceil(late.length * part) - 1)] ?? Number.NaN;
  return {
    is: "report",
    whole: readers.filter(
      ({ socket, cursor, isWrong }) =>
        cursor === last && !isWrong && socket.readyState === WebSocket.OPEN,
    ).length,
    closed: readers.filter(({ socket }) => socket.readyState !== WebSocket.OPEN).length,
    deliveries: late.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}
