/** What can go wrong for a caller of a conductor: expected failures, as values. */

import type { SuccessionProblem } from "./epoch-manager.ts";

export type CommitError =
  /** Another candidate leads, or this one does not serve yet. */
  | { readonly reason: "not-leader" }
  /** The epoch ended before the payload was certified; the new one may have inherited it. */
  | { readonly reason: "fenced" }
  | { readonly reason: "height"; readonly expected: number; readonly got: number }
  | { readonly reason: "parent" }
  /** Not certified in time; it may still be. */
  | { readonly reason: "timeout" }
  /** C6: too many events wait for their certificate. */
  | { readonly reason: "overloaded" }
  | { readonly reason: "too-large" }
  | { readonly reason: "paused" }
  | { readonly reason: "stopped" };

export type TransferError =
  | { readonly reason: SuccessionProblem }
  | { readonly reason: "in-progress" }
  | { readonly reason: "timeout" }
  | { readonly reason: "stopped" };

export type ProposeError =
  | { readonly reason: "not-leader" }
  | { readonly reason: "full" }
  | { readonly reason: "expired" }
  | { readonly reason: "rejected" }
  | { readonly reason: "closed" };
