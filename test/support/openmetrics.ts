/** A strict reader of OpenMetrics 1.0 text, by the rules that matter to a scraper; it lists every breach. */

export type OpenMetricsText = {
  readonly breaches: readonly string[];
  /** Value by series, as written. */
  readonly series: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, string>;
};

const NAME = /^[a-z][a-z0-9_]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-z][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ["_total"],
  gauge: [""],
  info: ["_info"],
  histogram: ["_bucket", "_sum", "_count"],
};

type Family = { readonly name: string; type: string; unit: string | null; hasHelp: boolean };

class Reader {
  readonly breaches: string[] = [];
  readonly series = new Map<string, number>();
  readonly types = new Map<string, string>();
  readonly #closed = new Set<string>();
  #family: Family | null = null;
  /** The bucket before, of the series whose `le` is left out. */
  #bucket: { readonly of: string; readonly le: number; readonly count: number } | null = null;

  read(text: string): void {
    const lines = text.split("\n");
    if (lines.pop() !== "") this.breaches.push("the last line ends");
    if (lines.pop() !== "# EOF") this.breaches.push("# EOF is last");
    for (const line of lines) {
      if (line.startsWith("#")) this.#readMeta(line);
      else this.#readSample(line);
    }
  }

  #breach(rule: string, line: string): void {
    this.breaches.push(`${rule}: ${line}`);
  }

  #readMeta(line: string): void {
    const [, kind = "", name = "", rest = ""] = /^# (HELP|TYPE|UNIT) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "") {
      this.#breach("a comment is HELP, TYPE or UNIT", line);
      return;
    }
    if (this.#family?.name !== name) this.#begin(name, line);
    const family = this.#family;
    if (family === null) return;
    if (kind === "HELP") family.hasHelp = true;
    if (kind === "TYPE") {
      family.type = rest;
      this.types.set(name, rest);
      if (SUFFIXES[rest] === undefined) this.#breach("a known type", line);
    }
    if (kind === "UNIT") {
      family.unit = rest;
      if (!name.endsWith(`_${rest}`)) this.#breach("a unit ends the name", line);
    }
  }

  #begin(name: string, line: string): void {
    if (!NAME.test(name)) this.#breach("a name in lower case", line);
    if (name.endsWith("_total")) this.#breach("no family ends in _total", line);
    if (this.#closed.has(name)) this.#breach("a family stands together", line);
    this.#closed.add(name);
    this.#family = { name, type: "unknown", unit: null, hasHelp: false };
  }

  #readSample(line: string): void {
    const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    const family = this.#family;
    if (name === "" || family === null) {
      this.#breach("a sample of a family", line);
      return;
    }
    if (!family.hasHelp || family.type === "unknown") this.#breach("HELP and TYPE first", line);
    const suffix = name.slice(family.name.length);
    if (!name.startsWith(family.name) || !SUFFIXES[family.type]?.includes(suffix)) {
      this.#breach(`a sample of ${family.name} (${family.type})`, line);
      return;
    }
    const parsed = this.#readLabels(labels, line);
    const number = Number(value);
    if (Number.isNaN(number)) this.#breach("a number", line);
    const series = `${name}{${labels}}`;
    if (this.series.has(series)) this.#breach("a series is given once", line);
    this.series.set(series, number);
    if (family.type === "counter" && number < 0) this.#breach("a counter is not negative", line);
    if (family.type === "histogram") this.#readBucket(suffix, parsed, number, line);
  }

  #readLabels(text: string, line: string): Map<string, string> {
    const labels = new Map<string, string>();
    let rest = text;
    while (rest !== "") {
      const [all = "", name = "", value = ""] = LABEL.exec(rest) ?? [];
      if (all === "") {
        this.#breach("labels are well formed", line);
        break;
      }
      if (labels.has(name)) this.#breach("a label is given once", line);
      labels.set(name, value);
      rest = rest.slice(all.length);
    }
    return labels;
  }

  /** Buckets rise, end with +Inf, and the count is the last of them. */
  #readBucket(suffix: string, labels: Map<string, string>, value: number, line: string): void {
    const le = labels.get("le");
    labels.delete("le");
    const of = [...labels].join();
    const before = this.#bucket?.of === of ? this.#bucket : null;
    if (suffix === "_bucket") {
      const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
      if (le !== "+Inf" && !le?.includes(".") && !le?.includes("e")) {
        this.#breach("a bound is a float", line);
      }
      if (before !== null && bound <= before.le) this.#breach("bounds rise", line);
      if (before !== null && value < before.count) this.#breach("buckets are cumulative", line);
      this.#bucket = { of, le: bound, count: value };
    }
    if (suffix !== "_bucket" && before?.le !== Number.POSITIVE_INFINITY) {
      this.#breach("the last bucket is +Inf", line);
    }
    if (suffix === "_count") {
      if (before?.count !== value) this.#breach("the count is that of +Inf", line);
      this.#bucket = null;
    }
  }
}

export function readOpenMetrics(text: string): OpenMetricsText {
  const reader = new Reader();
  reader.read(text);
  return { breaches: reader.breaches, series: reader.series, types: reader.types };
}
