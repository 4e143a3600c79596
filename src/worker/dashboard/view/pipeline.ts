/**
 * The way of an operation, as a picture: a line with a station for each promise, and between two
 * stations what has passed the one and waits for the other.
 *
 * It is drawn lying for a wide page and standing for a narrow one; the style sheet shows one of them.
 */

import type { PipelineBody } from "../../../core/api/overview.ts";
import { type Child, h, type Tree } from "../tree.ts";
import { count } from "../words.ts";
import { figureAttributes, note } from "./parts.ts";

type Station = {
  readonly name: keyof PipelineBody;
  readonly label: string;
  readonly means: string;
  /** The offset through which everything has come here. */
  readonly through: number;
  /** Records that have passed the station before and not this one. */
  readonly waiting: number;
};

const STATIONS: readonly Omit<Station, "through" | "waiting">[] = [
  { name: "ordered", label: "Ordered", means: "durable, answered" },
  { name: "certified", label: "Certified", means: "a quorum stores it" },
  { name: "closed", label: "Closed", means: "in a sealed batch" },
  { name: "posted", label: "Posted", means: "sent to L1" },
  { name: "settled", label: "Settled", means: "accepted, safe on L1" },
];

/** Beads for what waits; more than these stand for more. */
const BEADS_MAX = 18;
const LYING = { width: 1000, height: 132, line: 40 } as const;
const STANDING = { step: 92, width: 300, line: 10 } as const;

export function pipeline(body: PipelineBody | null): readonly Child[] {
  if (body === null) return [note("Nothing was ordered yet.")];
  const stations = stationsOf(body);
  const label = describe(stations);
  return [drawLying(stations, label), drawStanding(stations, label)];
}

function stationsOf(body: PipelineBody): readonly Station[] {
  const stations: Station[] = [];
  for (const station of STATIONS) {
    const through = body[station.name];
    // Without a committee nothing is certified, and there is no such station.
    if (through === null) continue;
    const before = stations.at(-1)?.through ?? through;
    stations.push({ ...station, through, waiting: Math.max(0, before - through) });
  }
  return stations;
}

function describe(stations: readonly Station[]): string {
  const through = stations.map(({ label, through }) => `${label.toLowerCase()} through ${through}`);
  return `Feed offsets: ${through.join(", ")}.`;
}

function drawLying(stations: readonly Station[], label: string): Tree {
  const { width, height, line } = LYING;
  const step = width / stations.length;
  const end = step * (stations.length - 1) + 6;
  return h(
    "svg",
    { class: "way way-lying", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    h("line", { class: "rail", x1: 6, y1: line, x2: end, y2: line }),
    stations.map((station, i) => {
      const x = i * step + 6;
      return [
        beads(station.waiting, (at) => ({ cx: x - 16 - at * 8, cy: line })),
        waits(station, x - 16, line - 14, "end"),
        h("circle", { class: `dot dot-${station.name}`, cx: x, cy: line, r: 6 }),
        words(station, x - 6, line + 34),
      ];
    }),
  );
}

function drawStanding(stations: readonly Station[], label: string): Tree {
  const { step, width, line } = STANDING;
  const height = step * (stations.length - 1) + 62;
  const end = step * (stations.length - 1) + 10;
  return h(
    "svg",
    {
      class: "way way-standing",
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": label,
    },
    h("line", { class: "rail", x1: line, y1: 10, x2: line, y2: end }),
    stations.map((station, i) => {
      const y = i * step + 10;
      return [
        beads(Math.min(station.waiting, 8), (at) => ({ cx: line, cy: y - 16 - at * 7 })),
        waits(station, width, y + 5, "end"),
        h("circle", { class: `dot dot-${station.name}`, cx: line, cy: y, r: 6 }),
        words(station, 34, y + 5),
      ];
    }),
  );
}

function beads(
  waiting: number,
  place: (at: number) => { cx: number; cy: number },
): readonly Tree[] {
  return Array.from({ length: Math.min(waiting, BEADS_MAX) }, (_, at) =>
    h("circle", { class: "bead", r: 2.5, ...place(at) }),
  );
}

function waits({ waiting }: Station, x: number, y: number, anchor: "end"): Tree | null {
  if (waiting === 0) return null;
  return h("text", { class: "waits", x, y, "text-anchor": anchor }, `${count(waiting)} waiting`);
}

function words({ name, label, means, through }: Station, x: number, y: number): readonly Tree[] {
  const field = figureAttributes(`pipeline.${name}`, through);
  return [
    h("text", { class: "station", x, y }, label),
    h("text", { ...field, class: "n offset", x, y: y + 30 }, count(through)),
    h("text", { class: "means", x, y: y + 50 }, means),
  ];
}
