/**
 * How a process gets from nothing to serving, as a machine around the real `decideRecovery` (R1).
 *
 * One start is: inspect the stored facts, decide, perform at most one phase, inspect again, and, after
 * a clean inspection, prepare, inspect once more and admit. L1 and time may change the danger whenever
 * the start waits for them, a sync may find a divergence, and the process may crash anywhere: the four
 * stored facts survive it and everything else is lost. There are no batches and no slots here; what
 * the phases do to them is `code.ts`. Time outside a start is not modelled: a new start may begin with
 * every combination of facts.
 */

import type {
  decideRecovery,
  Phase,
  Progress,
  RecoveryDecision,
} from "../../src/core/recovery/controller.ts";
import type { Danger } from "../../src/core/recovery/danger.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import type { Machine } from "./explorer.ts";

type DangerName = "safe" | "closed" | "tip" | "unusable";
type ProgressName = "none" | Progress["at"];
/** What the sync after a flush left of the safe head, compared with the flush's block. */
type View = "none" | "caught-up" | "behind" | "missing";
type Verdict = "none" | "admit" | "retry" | "refuse" | Phase["name"];

export type AdmissionState = {
  readonly controller: "idle" | "inspect" | "decide" | "prepare" | "admitted" | Phase["name"];
  readonly isAdmitted: boolean;
  readonly isPrepared: boolean;
  readonly progress: ProgressName;
  readonly view: View;
  readonly decision: Verdict;
  readonly mustInspect: boolean;
  /** Stored facts: these survive a crash. */
  readonly danger: DangerName;
  readonly hasSnapshot: boolean;
  readonly hasTip: boolean;
  readonly isDiverged: boolean;
};

type Decide = typeof decideRecovery;
type Change = Partial<AdmissionState>;

const DANGERS: readonly DangerName[] = ["safe", "closed", "tip", "unusable"];
const AFTER_REPAIR: readonly DangerName[] = ["safe", "unusable"];
const VIEWS: readonly View[] = ["caught-up", "behind", "missing"];

const IDLE = {
  controller: "idle",
  isAdmitted: false,
  isPrepared: false,
  progress: "none",
  view: "none",
  decision: "none",
  mustInspect: false,
} as const;

/** The machine with `decide` in the place of the controller's function. */
export function admission(decide: Decide): Machine<AdmissionState> {
  return {
    initial: DANGERS.flatMap((danger) =>
      [true, false].flatMap((hasSnapshot) =>
        [true, false].flatMap((hasTip) =>
          [true, false].map((isDiverged) => ({ ...IDLE, danger, hasSnapshot, hasTip, isDiverged })),
        ),
      ),
    ),
    key: (state) => Object.values(ordered(state)).join(),
    expand: (state, reach) => {
      const to = (action: string, change: Change): void => reach(action, { ...state, ...change });
      expand(state, to, decide);
    },
    broken: (state) =>
      Object.entries(invariantsOf(state, decide)).find(([, holds]) => !holds)?.[0] ?? null,
  };
}

/** The fields in one order, whatever change made the state. */
function ordered(state: AdmissionState) {
  const { controller, isAdmitted, isPrepared, progress, view, decision, mustInspect } = state;
  const { danger, hasSnapshot, hasTip, isDiverged } = state;
  const volatile = { controller, isAdmitted, isPrepared, progress, view, decision, mustInspect };
  return { ...volatile, danger, hasSnapshot, hasTip, isDiverged };
}

type To = (action: string, change: Change) => void;

function expand(state: AdmissionState, to: To, decide: Decide): void {
  if (state.controller === "idle") {
    to("begin", inspectNext({ progress: "need-initial-sync" }));
    return;
  }
  to("crash", IDLE);
  switch (state.controller) {
    case "inspect":
      to("facts", { controller: "decide", mustInspect: false, decision: verdict(state, decide) });
      if (!state.isDiverged) to("retry", IDLE);
      to("refuse", IDLE);
      return;
    case "decide":
      expandDecision(state, to);
      return;
    case "admitted":
      to("shutdown", IDLE);
      return;
    default:
      expandPhase(state.controller, to);
      to("retry", IDLE);
      to("refuse", IDLE);
  }
}

function expandDecision(state: AdmissionState, to: To): void {
  const { decision, isPrepared } = state;
  if (decision === "none" || decision === "retry" || decision === "refuse") {
    to(decision, IDLE);
  } else if (decision === "admit") {
    if (isPrepared) to("admit", { controller: "admitted", isAdmitted: true });
    else to("prepare", { controller: "prepare" });
  } else if (isPrepared) {
    to("prepared decision changed", IDLE);
  } else {
    to("phase", { controller: decision });
  }
}

function expandPhase(phase: Phase["name"] | "prepare", to: To): void {
  const done = (change: Change): void => to(`${phase} done`, inspectNext(change));
  switch (phase) {
    case "initial-sync":
      for (const danger of DANGERS) {
        done({ danger, progress: "inspecting" });
        to("divergence", inspectNext({ danger, progress: "inspecting", isDiverged: true }));
      }
      return;
    case "post-flush-sync":
      for (const danger of DANGERS) {
        for (const view of VIEWS) {
          const synced = { danger, view, progress: "post-flush-synced" } as const;
          done(synced);
          to("divergence", inspectNext({ ...synced, isDiverged: true }));
        }
      }
      return;
    case "ensure-open-tip":
      done({ danger: "safe", hasTip: true, progress: "repaired" });
      return;
    case "flush":
      done({ progress: "flushed" });
      return;
    case "recover-tip":
    case "cascade":
      for (const danger of AFTER_REPAIR) {
        done({ danger, hasTip: true, progress: "repaired", view: "none" });
      }
      return;
    case "prepare":
      for (const danger of DANGERS) done({ danger, progress: "inspecting", isPrepared: true });
  }
}

function inspectNext(change: Change): Change {
  return { controller: "inspect", mustInspect: true, decision: "none", ...change };
}

/** The flush's block; what else the safe head may be is told by the view. */
const FLUSHED = blockNumber(1_000);

function verdict(state: AdmissionState, decide: Decide): Verdict {
  const progress = progressOf(state.progress);
  if (progress === null) return "none";
  const decision: RecoveryDecision = decide(
    {
      danger: dangerOf(state),
      hasRollbackSafeSnapshot: state.hasSnapshot,
      hasOpenTip: state.hasTip,
      safeBlock: safeBlockOf(state.view),
    },
    progress,
  );
  return decision.do === "phase" ? decision.phase.name : decision.do;
}

function progressOf(name: ProgressName): Progress | null {
  if (name === "none") return null;
  return name === "flushed" || name === "post-flush-synced"
    ? { at: name, safeBlock: FLUSHED }
    : { at: name };
}

function dangerOf(state: AdmissionState): Danger {
  if (state.isDiverged) return { kind: "canonical-divergence", nonce: 0 };
  if (state.danger === "closed") return { kind: "closed-batch-in-danger", batchIndex: 0 };
  if (state.danger === "tip") return { kind: "tip-in-danger", batchIndex: 1 };
  return { kind: state.danger === "safe" ? "safe" : "l1-view-stale" };
}

function safeBlockOf(view: View) {
  if (view === "missing") return null;
  return view === "behind" ? blockNumber(FLUSHED - 1) : FLUSHED;
}

/** Each is a name that a violation prints, and whether it holds. */
function invariantsOf(state: AdmissionState, decide: Decide): Readonly<Record<string, boolean>> {
  const { controller: at, progress, decision, isAdmitted, isPrepared, isDiverged, danger } = state;
  const isClean = danger === "safe" && state.hasTip && state.hasSnapshot && !isDiverged;
  const hasWitness = progress === "flushed" || progress === "post-flush-synced";
  const isActing = !["idle", "inspect", "decide", "admitted"].includes(at);
  return {
    "admission is one step": isAdmitted === (at === "admitted"),
    "what is admitted was prepared and is clean":
      !isAdmitted || (isPrepared && progress === "inspecting" && isClean),
    "an admission's decision still holds":
      !isAdmitted || (decision === "admit" && verdict(state, decide) === "admit"),
    "after every phase the facts are inspected": !state.mustInspect || at === "inspect",
    "a decision is the one of these facts": at !== "decide" || decision === verdict(state, decide),
    "a flush is witnessed by the start that made it, and before it is prepared":
      !hasWitness || (at !== "idle" && at !== "admitted" && !isPrepared),
    "the sync after a flush follows a flush": at !== "post-flush-sync" || progress === "flushed",
    "a cascade follows a flush and a view that caught up with it":
      at !== "cascade" || (progress === "post-flush-synced" && state.view === "caught-up"),
    "a divergence is only ever refused":
      !isDiverged || (!isAdmitted && !isActing && (at !== "decide" || decision === "refuse")),
    "no phase without a snapshot to go back to": !isActing || state.hasSnapshot,
    "a tip is opened where none is, and nothing is wrong":
      at !== "ensure-open-tip" || (danger === "safe" && !state.hasTip),
    "a tip is recovered when it is in danger": at !== "recover-tip" || danger === "tip",
    "a flush follows a closed batch in danger": at !== "flush" || danger === "closed",
    "only a clean inspection prepares": at !== "prepare" || isClean,
  };
}
