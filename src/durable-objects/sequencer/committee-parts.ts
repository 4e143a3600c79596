/** The committee's part of a sequencer object, and the hooks by which the other parts know it. */

import type { Place } from "../../core/config/committee.ts";
import { must } from "../../core/types/assert.ts";
import { ok } from "../../core/types/result.ts";
import type { FoundingMember } from "../shared/founding-client.ts";
import type { CertifiedLog, DutiesCommittee, FeedCommittee } from "./certified-log.ts";
import type { CertifyHooks } from "./certify.ts";
import { feedCommittee, serviceCommittee } from "./committee-status.ts";
import type { Counters } from "./counters.ts";
import type { Duties } from "./duties.ts";
import type { Feed } from "./feed.ts";
import { Following } from "./following.ts";
import type { Lane } from "./lane.ts";
import { Member, type Own } from "./member.ts";
import type { MemoryStore } from "./memory.ts";
import type { LaneCommittee } from "./promise.ts";
import type { Recovery } from "./recover.ts";
import { beginReset } from "./replica-reset.ts";
import type { Runtime } from "./runtime.ts";
import type { Service, ServiceCommittee } from "./service.ts";

/** The parts that certificates and epochs concern. */
type Others = {
  readonly service: Pick<Service, "derive" | "mode">;
  readonly feed: Pick<Feed, "certified" | "end">;
  readonly lane: Lane;
  readonly counters: Counters;
  readonly recovery: Pick<Recovery, "readFirst">;
  readonly duties: Pick<Duties, "certified" | "followMore" | "beginLeading">;
};

export class CommitteeParts {
  readonly member: Member;
  readonly log: CertifiedLog;
  readonly lane: LaneCommittee;
  readonly feed: FeedCommittee;
  readonly service: ServiceCommittee;
  readonly duties: DutiesCommittee;
  readonly #runtime: Runtime;
  readonly #following: Following;
  #others: Others | null = null;

  constructor(
    runtime: Runtime,
    memory: MemoryStore,
    own: Own,
    peer: (place: Place) => FoundingMember,
  ) {
    this.#runtime = runtime;
    this.#following = new Following(runtime, memory);
    this.member = new Member(runtime, own, peer, this.#hooks());
    const { certify } = this.member;
    this.log = certify.log;
    this.lane = certify;
    this.feed = feedCommittee(runtime.sql, certify.log);
    this.service = serviceCommittee(certify, own);
    this.duties = {
      ...{ log: certify.log, leads: certify.leads },
      mayBegin: () => own.isFirst && certify.record === null,
      hurry: () => certify.hurry(),
      follows: () => this.#following.isDue(own, certify.record),
      follow: async (reading) => {
        const { askPart: ask, endpoint: self } = this.member;
        const parts = { lane: this.#connected.lane, ask, self };
        const followed = await this.#following.step(certify, parts, reading);
        return followed.ok ? ok(followed.value?.isMoreDue === true) : followed;
      },
    };
  }

  /** Once, before anything runs. */
  connect(others: Others): void {
    this.#others = others;
  }

  get #connected(): Others {
    return must(this.#others, "the parts are connected");
  }

  #hooks(): CertifyHooks {
    return {
      certified: ({ chunk }) => {
        // A rollback may take effect by it: service resumes, and readers are told (F3).
        const { service, feed, duties, counters } = this.#connected;
        counters.certified(chunk.height, this.#runtime.now());
        if (service.mode() !== "serving") service.derive();
        feed.certified();
        duties.certified();
      },
      changed: () => {
        const mode = this.#others?.service.derive();
        if (!this.member.certify.leads()) this.#others?.counters.endCertifying();
        const isElsewhere = mode === "following" || this.member.certify.isStopped;
        if (isElsewhere) this.#others?.feed.end();
      },
      serving: () => this.#connected.duties.beginLeading(),
      open: async (known) => {
        const { duties, recovery } = this.#connected;
        const opened = this.#following.open(known);
        duties.followMore();
        await opened;
        // Its view of L1 is as old as the log that it followed, so L1 is read before danger is judged (R1).
        recovery.readFirst();
      },
      adopt: (from, entries) => this.#following.adopt(from, entries, this.#connected.lane),
      begin: this.#following.beginWith(
        () => this.#connected.lane,
        () => this.#connected.duties.followMore(),
      ),
      grew: () => this.#connected.duties.followMore(),
      checkWith: (recordOf) => this.#following.checkWith(recordOf),
      resetNeeded: () => {
        beginReset(this.#runtime);
        this.#connected.duties.followMore();
      },
    };
  }
}
