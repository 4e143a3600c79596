/** What a deployment has of the world, so that a test runs one in its own process. */

export type DeployIo = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The program that speaks to Cloudflare. */
  readonly wrangler: string;
  /** Program and arguments of `baton doctor`, before the URL. */
  readonly doctor: readonly string[];
  /** `wrangler.toml`. */
  readonly manifest: string;
  /** Where secrets that are made here are kept, for their owner alone. */
  readonly keep: string;
  /** Null: nobody is there to be asked. */
  readonly ask: Ask | null;
  readonly say: (line: string) => void;
};

export type Ask = {
  readonly line: (question: string) => Promise<string>;
  /** Shows nothing of what is typed. */
  readonly secret: (question: string) => Promise<string>;
};

/** Why the deployment does not go on: said as it is, without values. */
export class DeployFailure extends Error {
  override readonly name: string = "DeployFailure";
}
