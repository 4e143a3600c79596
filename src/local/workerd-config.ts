/**
 * The configuration text of raw workerd for one deployment.
 *
 * Plain variables stand in it. Secrets do not: they are named, and workerd takes their values from its
 * environment, so that no file ever holds them. Cron triggers do not exist in raw workerd; a second
 * worker on a port of its own fires the main one's `scheduled` handler whenever it is asked.
 */

export type WorkerdConfig = {
  /** As in wrangler.toml. */
  readonly compatibilityDate: string;
  /** `127.0.0.1:3000`; port 0 takes any. */
  readonly httpAddress: string;
  /** Files of the bundle; `index.js` is the entry. Paths are relative to the configuration's folder. */
  readonly modules: readonly { readonly name: string; readonly path: string }[];
  readonly variables: Readonly<Record<string, string>>;
  /** Names of variables that come from workerd's environment. */
  readonly secrets: readonly string[];
  readonly objects: readonly DurableObjectClass[];
  /** Folder of the objects' databases, absolute. */
  readonly objectsPath: string;
};

/** `uniqueKey` names the class's folder of databases and must never change. */
export type DurableObjectClass = {
  readonly binding: string;
  readonly className: string;
  readonly uniqueKey: string;
};

const CRON_WORKER = `export default {
  async fetch(request, env) {
    const fired = await env.MAIN.scheduled({ cron: "* * * * *", scheduledTime: new Date() });
    return Response.json({ outcome: fired.outcome });
  },
};
`;

export function formatWorkerdConfig(config: WorkerdConfig): string {
  const modules = [...config.modules].sort((a, b) => Number(isEntry(b)) - Number(isEntry(a)));
  const bindings = [
    ...config.objects.map(
      ({ binding, className }) =>
        `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...Object.entries(config.variables).map(
      ([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`,
    ),
    ...config.secrets.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
  ];
  const namespaces = config.objects.map(
    ({ className, uniqueKey }) =>
      `(className = ${quote(className)}, uniqueKey = ${quote(uniqueKey)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .mainWorker),
    (name = "cron", worker = .cronWorker),
    (name = "objects", disk = (path = ${quote(config.objectsPath)}, writable = true)),
    (name = "internet", network = (
      allow = ["public", "private", "local"],
      tlsOptions = (trustBrowserCas = true),
    )),
  ],
  sockets = [
    (name = "http", address = ${quote(config.httpAddress)}, http = (), service = "main"),
    (name = "cron", address = "127.0.0.1:0", http = (), service = "cron"),
  ],
);

const mainWorker :Workerd.Worker = (
  modules = ${list(modules.map(formatModule))},
  compatibilityDate = ${quote(config.compatibilityDate)},
  bindings = ${list(bindings)},
  globalOutbound = "internet",
  durableObjectNamespaces = ${list(namespaces)},
  durableObjectStorage = (localDisk = "objects"),
);

const cronWorker :Workerd.Worker = (
  modules = [(name = "cron.js", esModule = ${quote(CRON_WORKER)})],
  compatibilityDate = ${quote(config.compatibilityDate)},
  compatibilityFlags = ["service_binding_extra_handlers"],
  bindings = [(name = "MAIN", service = "main")],
);
`;
}

function isEntry(module: { readonly name: string }): boolean {
  return module.name === "index.js";
}

function formatModule(module: { readonly name: string; readonly path: string }): string {
  const embedded = `embed ${quote(module.path)}`;
  if (isEntry(module)) return `(name = "index.js", esModule = ${embedded})`;
  const kind = module.name.endsWith(".wasm") ? "wasm" : "text";
  return `(name = ${quote(`./${module.name}`)}, ${kind} = ${embedded})`;
}

function list(items: readonly string[]): string {
  return `[\n${items.map((item) => `    ${item},\n`).join("")}  ]`;
}

/** A text literal. Bytes outside of printable ASCII are escaped, so nothing can end it early. */
function quote(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  let literal = "";
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    const isPlain = byte >= 0x20 && byte < 0x7f && char !== '"' && char !== "\\";
    literal += isPlain ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${literal}"`;
}
