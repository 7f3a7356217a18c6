import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isMarked } from "../providers/plugin/marker.ts";
import { dataHome } from "./paths.mjs";

/** The project's name in Pulumi.yaml; part of every stack's address. */
export const project = "open-webui-infrastructure";

/** What made a stack's resources: the real provider plugins or the stand-ins for them. */
export type Maker = "real" | "stand-ins";

/** As much of a checkpoint as is looked at. */
export interface Checkpoint {
  checkpoint: {
    latest?: {
      resources?: CheckpointResource[];
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
  /** Absent before it is made. */
  id?: string;
  inputs?: Record<string, unknown>;
  /** The provider that made it: its URN, `::`, its id. */
  provider?: string;
}

/** Where the file backend keeps a stack; read here because a CLI may not be there yet, and for speed. */
const checkpointFile = (stack: string): string =>
  join(dataHome, "state/.pulumi/stacks", project, `${stack}.json`);

/** A stack's state, undefined when the stack was never made. */
export async function readCheckpoint(stack: string): Promise<Checkpoint | undefined> {
  try {
    return JSON.parse(await readFile(checkpointFile(stack), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

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
