/** Modules that are not TypeScript: SQL and the dashboard's files as text, WebAssembly as a compiled module. */

declare module "*.sql" {
  const text: string;
  export default text;
}

declare module "*.txt" {
  const text: string;
  export default text;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

/** Parses Prometheus' text format. All values are texts. */
declare module "parse-prometheus-text-format" {
  type ParsedSeries = {
    readonly labels?: Readonly<Record<string, string>>;
    readonly value?: string;
    readonly buckets?: Readonly<Record<string, string>>;
    readonly count?: string;
    readonly sum?: string;
  };
  type ParsedFamily = {
    readonly name: string;
    readonly help: string;
    /** Upper case. */
    readonly type: string;
    readonly metrics: readonly ParsedSeries[];
  };
  export default function parse(text: string): readonly ParsedFamily[];
}
