import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { stackFolder } from "./paths.mjs";

const beginning = z.object({
  /** When, in milliseconds since 1970. */
  at: z.number(),
  /** Reserved addresses that were there; absent where none was to be made. */
  addresses: z.array(z.string()).optional(),
});

/** How it was when a run that makes things began: what is younger, or was not there, is its own. */
export type Beginning = z.infer<typeof beginning>;

const noteOf = (stack: string): string => join(stackFolder(stack), "began");

/** Notes that a run begins. */
export async function noteBeginning(stack: string, note: Beginning): Promise<void> {
  await mkdir(stackFolder(stack), { recursive: true, mode: 0o700 });
  await writeFile(noteOf(stack), JSON.stringify(note));
}

/** How it was when the last run began; where nobody noted that, nothing is its own. */
export async function lastBeginning(stack: string): Promise<Beginning> {
  const text = await readFile(noteOf(stack), "utf8").catch(() => "");
  try {
    return beginning.parse(JSON.parse(text));
  } catch {
    // Written by an earlier version: a time alone.
    return { at: Date.parse(text) };
  }
}
