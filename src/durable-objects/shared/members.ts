/** The committee's objects of this deployment, by their place in a record (S8). */

import type { CommitteeMemberApi } from "../../core/api/committee-api.ts";
import { type LocationHint, objectEndpoint, type Place } from "../../core/config/committee.ts";
import type { Config } from "../../core/config/config.ts";
import type { CommitteePeer } from "./peer.ts";

export type CommitteeMember = CommitteeMemberApi & CommitteePeer;

/** As much of a namespace of objects as is needed to reach one. */
export type MemberNamespace<T> = {
  getByName(name: string, options?: { locationHint?: LocationHint }): T;
};

/** Under which name its namespace knows a candidate or a validator. */
export function memberName({ app }: Pick<Config, "app">, name: string): string {
  return `${app}:${name}`;
}

/** The name without the application; null when it is another application's, or has none. */
export function nameOfMember({ app }: Pick<Config, "app">, objectName: string): string | null {
  return objectName.startsWith(`${app}:`) ? objectName.slice(app.length + 1) : null;
}

/** A stub of the object of this place, created where the configuration wants it. */
export function memberAt<T>(
  namespace: MemberNamespace<T>,
  config: Pick<Config, "app" | "committee">,
  place: Pick<Place, "kind" | "name">,
): T {
  return namespace.getByName(memberName(config, place.name), whereIs(config, place));
}

/** Where the configuration wants the object of this place. */
export function whereIs(
  config: Pick<Config, "committee">,
  { kind, name }: Pick<Place, "kind" | "name">,
): { locationHint?: LocationHint } {
  const { candidates = [], validators = [] } = config.committee ?? {};
  const endpoint = objectEndpoint(kind, name);
  const own = (kind === "sequencer" ? candidates : validators).find(
    (one) => one.endpoint === endpoint,
  );
  const hint = own?.hint ?? null;
  return hint === null ? {} : { locationHint: hint };
}
