import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isMarked } from "../providers/plugin/marker.ts";
import { type Backend, backendOf, backendText, stateFolder } from "./backend.ts";
import { ensureCommandLine } from "./command-line-build.ts";
import { locked } from "./lock.mjs";
import { SetupError } from "./problem.mjs";
import { Pulumi } from "./pulumi.ts";

/** The project's name in Pulumi.yaml; part of every stack's address. */
export const project = "open-webui-infrastructure";

/** What made a stack's resources: the real provider plugins or the stand-ins for them. */
export type Maker = "real" | "stand-ins";

/** As much of a checkpoint as is looked at. */
export interface Checkpoint {
  checkpoint: {
    latest?: {
      resources?: CheckpointResource[];
      /** How its secrets are encrypted. */
      secrets_providers?: { type: string; state?: { salt?: string } };
      /** What was being done when the last run died; absent after one that ended. */
      pending_operations?: { type: string; resource: CheckpointResource }[];
    };
  };
}

/** One resource of a checkpoint. */
export interface CheckpointResource {
  urn: string;
  type: string;
  custom: boolean;
  /** URN of what it is a child of. */
  parent?: string;
  /** Pulumi refuses to delete it. */
  protect?: boolean;
  /** Absent before it is made. */
  id?: string;
  inputs?: Record<string, unknown>;
  /** The provider that made it: its URN, `::`, its id. */
  provider?: string;
}

/** Where the file backend keeps a stack; read here because a CLI may not be there yet, and for speed. */
const checkpointFile = (stack: string): string =>
  join(stateFolder, ".pulumi/stacks", project, `${stack}.json`);

/**
 * A stack's state, undefined when the stack was never made. One that is kept elsewhere is asked for by the CLI, which is
 * made ready for that.
 * @param backend where it is; else where it was put
 */
export async function readCheckpoint(
  stack: string,
  backend: Backend = backendOf(stack),
): Promise<Checkpoint | undefined> {
  if (backend.kind !== "file") {
    const text = await exportState(stack, backend);
    return text === undefined ? undefined : { checkpoint: { latest: JSON.parse(text).deployment } };
  }
  try {
    return JSON.parse(await readFile(checkpointFile(stack), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * A state as `pulumi stack export` writes it; undefined when the stack was never made there.
 * @param flags `--show-secrets`: its secrets in plain text, which then stand on no disk
 */
export async function exportState(
  stack: string,
  backend: Backend,
  flags: readonly string[] = [],
): Promise<string | undefined> {
  const { cli } = await locked(
    "pulumi",
    () => {},
    () => ensureCommandLine((text) => void process.stderr.write(`  … ${text}\n`)),
  );
  const { code, stdout, stderr } = await new Pulumi(stack, cli, backend).run(["stack", "export", ...flags]);
  if (code === 0) return stdout;
  if (/no stack (named|selected)/.test(stderr)) return undefined;
  throw outOfReach(stack, backend, stderr);
}

/** The last thing that the CLI said. */
export const lastWord = (said: string): string =>
  said
    .trim()
    .split("\n")
    .at(-1)
    ?.replace(/^error: /, "") ?? "";

/** The salt that the secrets of a state belong to. */
export const saltOf = (checkpoint: Checkpoint | undefined): string | undefined =>
  checkpoint?.checkpoint.latest?.secrets_providers?.state?.salt;

const outOfReach = (stack: string, backend: Backend, said: string) =>
  new SetupError([
    {
      what: `The state of stack ${stack} cannot be read: ${backendText(backend)}.`,
      why: `It says what there is. Pulumi said: ${lastWord(said)}`,
      remedy:
        backend.kind === "file"
          ? "See that this user may read it."
          : `\`npm run setup -- --stack ${stack}\` asks for what opens it and tries it; see that the service answers.`,
    },
  ]);

/** Number of resources that are not components. */
export const resourceCount = (checkpoint: Checkpoint | undefined): number =>
  checkpoint?.checkpoint.latest?.resources?.filter(({ custom }) => custom).length ?? 0;

/** What made a stack; undefined while it has no provider yet. */
export function makerOf(checkpoint: Checkpoint | undefined): Maker | undefined {
  const resources = checkpoint?.checkpoint.latest?.resources ?? [];
  const providers = resources.filter(({ type }) => type.startsWith("pulumi:providers:"));
  if (providers.length === 0) return undefined;
  return providers.some(({ inputs }) => isMarked((inputs ?? {}) as never)) ? "stand-ins" : "real";
}
