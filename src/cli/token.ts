/**
 * The operator's token, and to whom it is shown: over https or to this machine, and never by surprise.
 *
 * A token that was named for this very command (`--token`, `--token-env`) goes to the URL of the command,
 * and so does `SEQ_OPERATOR_TOKEN` where the command is an operator's and cannot do without. Where it only
 * adds to an answer, the variable is for this machine alone: `baton verify` of somebody else's sequencer
 * does not hand them the token that happens to be in the environment.
 */

import { isLoopback } from "./account.ts";
import { CommandFailure, type Io, type Speech, variable } from "./io.ts";
import type { TokenFlags } from "./options.ts";

const VARIABLE = "SEQ_OPERATOR_TOKEN";

/** Throws `CommandFailure` when there is none. */
export function requiredToken(io: Io, flags: TokenFlags): string {
  const token = namedToken(io, flags) ?? variable(io, VARIABLE);
  if (token !== undefined) return token;
  throw new CommandFailure(`give --token-env, --token or ${VARIABLE}`);
}

/** Undefined when there is none, and when it is kept back, which is said. */
export function optionalToken(
  io: Io,
  flags: TokenFlags,
  at: { readonly url: string; readonly speech: Speech },
): string | undefined {
  const named = namedToken(io, flags);
  if (named !== undefined) return named;
  const token = variable(io, VARIABLE);
  if (token === undefined || isLoopback(at.url)) return token;
  at.speech.note(`${VARIABLE} is not sent to another machine without --token-env ${VARIABLE}`);
  return undefined;
}

/** What the flags name; undefined when they name none. Throws `CommandFailure`. */
export function namedToken(io: Io, { token, tokenEnv }: TokenFlags): string | undefined {
  if (tokenEnv === undefined) return token;
  if (token !== undefined) throw new CommandFailure("give --token or --token-env, not both");
  const value = variable(io, tokenEnv);
  if (value !== undefined) return value;
  throw new CommandFailure("the variable that --token-env names is not set");
}
