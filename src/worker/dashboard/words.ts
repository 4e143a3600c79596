/** How numbers, times and hashes are written. Exact where it matters: a count is never rounded. */

/** Narrow no-break space between thousands: read by nobody as a decimal point. */
const GROUP = "\u202f";
const NONE = "–";

/** `12 345`; a dash for what is not known. */
export function count(value: number | null): string {
  if (value === null) return NONE;
  return String(value).replace(/\B(?=(\d{3})+$)/g, GROUP);
}

/** `1 op`, `2 ops`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

const UNITS_S = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** The two largest units: `2 h 58 min`. Rounded down. */
export function duration(seconds: number | null): string {
  if (seconds === null) return NONE;
  if (seconds < 1) return "0 s";
  const first = UNITS_S.findIndex(([, length]) => seconds >= length);
  const parts: string[] = [];
  let left = Math.floor(seconds);
  for (const [unit, length] of UNITS_S.slice(first, first + 2)) {
    const whole = Math.floor(left / length);
    left -= whole * length;
    if (whole > 0) parts.push(`${whole}\u00a0${unit}`);
  }
  return parts.join(" ");
}

/** `3 min ago`, by the sequencer's clock. */
export function ago(atMs: number, nowMs: number): string {
  return `${duration(Math.max(0, nowMs - atMs) / 1000)} ago`;
}

/** `14:03:22 UTC`. */
export function clock(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
}

/** `2026-11-21 14:03:22 UTC`. */
export function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** `0x12345678…abcdef`; whoever needs all of it finds it in the title. */
export function short(hex: string): string {
  return hex.length <= 18 ? hex : `${hex.slice(0, 8)}…${hex.slice(-6)}`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Three digits: `1.23 MB`. */
export function bytes(value: number | null): string {
  if (value === null) return NONE;
  let unit = 0;
  let scaled = value;
  while (scaled >= 999.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? scaled : scaled.toPrecision(3)}\u00a0${BYTE_UNITS[unit]}`;
}

const WEI_DIGITS = 18;

/** Ether, cut to six decimals: a balance is never shown as more than it is. */
export function ether(wei: string | null): string {
  if (wei === null) return NONE;
  const digits = wei.padStart(WEI_DIGITS + 1, "0");
  const whole = digits.slice(0, -WEI_DIGITS);
  const fraction = digits.slice(-WEI_DIGITS).slice(0, 6).replace(/0+$/, "");
  return `${count(Number(whole))}${fraction === "" ? "" : `.${fraction}`}\u00a0ETH`;
}

/** `850 µs`, `4.2 ms`, `1.3 s`. */
export function latency(ms: number | null): string {
  if (ms === null) return NONE;
  if (ms === Number.POSITIVE_INFINITY) return ">\u00a05\u00a0s";
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(2))}\u00a0s`;
  return `${ms >= 10 ? Math.round(ms) : Number(ms.toPrecision(2))}\u00a0ms`;
}

/** `0.4`, `12`, `2 143`. */
export function rate(perSecond: number | null): string {
  if (perSecond === null) return NONE;
  return perSecond < 10 ? String(Number(perSecond.toFixed(1))) : count(Math.round(perSecond));
}
