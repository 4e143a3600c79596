/**
 * JSON-RPC 2.0 for operators: the methods, parameters and results of op-conductor (`conductor_…`).
 *
 * Pure: text becomes calls, each call a question about one candidate's state or a command to it, and
 * outcomes become text. `src/worker/routes/conductor.ts` asks and commands in between.
 *
 *     server       a candidate; its suffrage is 0, since it may lead; validators elect and are none
 *     version      of the membership: the epoch whose record lists it
 *     transfer     succeeds when it is started: `conductor_leader` tells when it has ended
 *     override     refused. A leader without a quorum could sign nothing that anybody believes, and no
 *                  certificate is ever made up. Where a quorum is lost for good, a rebuild from L1 begins
 *                  a new era with a new committee (R5)
 */

import { err, ok, type Result } from "../types/result.ts";

export type ConductorServer = {
  readonly id: string;
  /** Endpoint, as in the epoch record. */
  readonly addr: string;
  readonly suffrage: 0 | 1;
};

/** One candidate as it sees itself and the others, at one moment. */
export type ConductorState = {
  /** Whether it orders now: it leads the newest epoch and has opened it. */
  readonly isLeader: boolean;
  /** Of the newest epoch that it knows. */
  readonly leader: ConductorServer;
  readonly isPaused: boolean;
  readonly isStopped: boolean;
  /** As leader: it serves, a quorum answers and certificates follow. Else: it follows the log. */
  readonly isHealthy: boolean;
  readonly servers: readonly ConductorServer[];
  readonly epoch: number;
};

export type ConductorCommand =
  /** To this server, whose two fields must name one; null: to whoever's turn it is. */
  | { readonly do: "transfer"; readonly to: { readonly id: string; readonly addr: string } | null }
  /** Takes no ops and stands for no election; as leader it keeps its epoch and certifies what it has. */
  | { readonly do: "pause" }
  /** Ends a pause, and a stop. */
  | { readonly do: "resume" }
  /** As a pause, and falls silent, so that the validators elect another one. */
  | { readonly do: "stop" };

/** Why a command was not begun. */
export type ConductorProblem =
  | "no-committee"
  | "no-successor"
  | "not-supported"
  | "in-progress"
  | "stopped";

/** What a candidate answers to its operator. Pauses and stops outlive a restart. */
export type ConductorApi = {
  /** Null without a committee. */
  conductorState(): Promise<ConductorState | null>;
  conductorCommand(command: ConductorCommand): Promise<Result<null, ConductorProblem>>;
};

/** `id` undefined: a notification, which is carried out and not answered. */
export type RpcCall = {
  readonly id: RpcId | undefined;
  readonly plan: Result<ConductorPlan, RpcError>;
};
export type RpcId = string | number | null;
export type RpcError = { readonly code: number; readonly message: string };

export type ConductorPlan =
  | { readonly is: "question"; readonly answer: (state: ConductorState) => unknown }
  | { readonly is: "command"; readonly command: ConductorCommand };

/** A body: one call, or a batch that is answered in one array. */
export type RpcBody = { readonly isBatch: boolean; readonly calls: readonly RpcCall[] };

export const RPC_BATCH_MAX = 16;

const METHOD_NOT_FOUND: RpcError = { code: -32601, message: "method not found" };
const INVALID_REQUEST: RpcError = { code: -32600, message: "invalid request" };
const invalidParams = (message: string): RpcError => ({ code: -32602, message });
const serverError = (message: string): RpcError => ({ code: -32000, message });

export const noCommittee: RpcError = serverError("this sequencer has no committee");
const PROBLEMS: Readonly<Record<ConductorProblem, RpcError>> = {
  "no-committee": noCommittee,
  "no-successor": serverError("no such server, or it is not its turn"),
  "not-supported": serverError("this leader cannot be changed"),
  "in-progress": serverError("a transfer is in progress"),
  stopped: serverError("the conductor is stopped"),
};
const OVERRIDE_REFUSED: RpcError = serverError(
  "leadership cannot be overridden: without a quorum nothing can be certified",
);

/** The calls of a body, or the error that answers it as a whole. */
export function parseRpcBody(text: string): Result<RpcBody, RpcError> {
  const value = parseJson(text);
  if (value === undefined) return err({ code: -32700, message: "parse error" });
  if (!Array.isArray(value)) return ok({ isBatch: false, calls: [parseCall(value)] });
  if (value.length === 0) return err(INVALID_REQUEST);
  if (value.length > RPC_BATCH_MAX) {
    return err({ ...INVALID_REQUEST, message: `a batch has at most ${RPC_BATCH_MAX} calls` });
  }
  return ok({ isBatch: true, calls: value.map(parseCall) });
}

/** Undefined when the text is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // `JSON.parse` says so by throwing.
    return undefined;
  }
}

function parseCall(value: unknown): RpcCall {
  if (!isObject(value)) return { id: null, plan: err(INVALID_REQUEST) };
  const { jsonrpc, id, method, params } = value;
  const isCall = jsonrpc === "2.0" && typeof method === "string" && (id === undefined || isId(id));
  if (!isCall) return { id: isId(id) ? id : null, plan: err(INVALID_REQUEST) };
  return { id, plan: planCall(method, params) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is RpcId {
  return value === null || typeof value === "string" || Number.isFinite(value);
}

function planCall(method: string, params: unknown): Result<ConductorPlan, RpcError> {
  const plan = METHODS.get(method);
  if (plan === undefined) return err(METHOD_NOT_FOUND);
  const given: unknown = params ?? [];
  return Array.isArray(given) ? plan(given) : err(invalidParams("params must be an array"));
}

type Plan = (params: readonly unknown[]) => Result<ConductorPlan, RpcError>;

const METHODS: ReadonlyMap<string, Plan> = new Map(
  Object.entries<Plan>({
    leader: ask(({ isLeader }) => isLeader),
    leaderWithID: ask(({ leader }) => leader),
    active: ask(({ isPaused, isStopped }) => !isPaused && !isStopped),
    paused: ask(({ isPaused }) => isPaused),
    stopped: ask(({ isStopped }) => isStopped),
    sequencerHealthy: ask(({ isHealthy }) => isHealthy),
    clusterMembership: ask(({ servers, epoch }) => ({ servers, version: epoch })),
    leaderOverridden: ask(() => false),
    pause: command({ do: "pause" }),
    resume: command({ do: "resume" }),
    stop: command({ do: "stop" }),
    transferLeader: command({ do: "transfer", to: null }),
    transferLeaderToServer: planTransfer,
    overrideLeader: planOverride,
  }).map(([name, plan]) => [`conductor_${name}`, plan]),
);

function ask(answer: (state: ConductorState) => unknown): Plan {
  return (params) => withoutParams(params, { is: "question", answer });
}

function command(one: ConductorCommand): Plan {
  return (params) => withoutParams(params, { is: "command", command: one });
}

function withoutParams(
  params: readonly unknown[],
  plan: ConductorPlan,
): Result<ConductorPlan, RpcError> {
  return params.length === 0 ? ok(plan) : err(invalidParams("expected no params"));
}

function planTransfer(params: readonly unknown[]): Result<ConductorPlan, RpcError> {
  const [id, addr] = params;
  if (params.length !== 2 || typeof id !== "string" || typeof addr !== "string") {
    return err(invalidParams("expected [id, addr]"));
  }
  return ok({ is: "command", command: { do: "transfer", to: { id, addr } } });
}

/** There is none to lift, so lifting it is no error. */
function planOverride(params: readonly unknown[]): Result<ConductorPlan, RpcError> {
  const [isOverridden] = params;
  if (params.length !== 1 || typeof isOverridden !== "boolean") {
    return err(invalidParams("expected [boolean]"));
  }
  return isOverridden ? err(OVERRIDE_REFUSED) : ok({ is: "question", answer: () => null });
}

/** What became of a command, as the outcome of its call. */
export function commandOutcome(done: Result<null, ConductorProblem>): Result<unknown, RpcError> {
  return done.ok ? done : err(PROBLEMS[done.error]);
}

/** The answer to a call; null for a notification. */
export function formatReply(
  id: RpcId | undefined,
  outcome: Result<unknown, RpcError>,
): string | null {
  if (id === undefined) return null;
  const said = outcome.ok ? { result: outcome.value } : { error: outcome.error };
  return JSON.stringify({ jsonrpc: "2.0", id, ...said });
}

/** The whole answer; null when nothing of the body asks for one. */
export function formatReplies(
  { isBatch }: RpcBody,
  replies: readonly (string | null)[],
): string | null {
  const said = replies.filter((reply) => reply !== null);
  if (said.length === 0) return null;
  return isBatch ? `[${said.join(",")}]` : said.join("");
}
