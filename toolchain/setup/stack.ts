import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { ChildError } from "./child.mjs";
import { removeUnfinished } from "./interrupted.ts";
import { dataHome, repository, stackFolder } from "./paths.mjs";
import type { Pulumi } from "./pulumi.ts";
import { project, readCheckpoint } from "./stack-state.ts";

/**
 * Makes the stack if it was never made, and cleans up after a run that was killed. Its effective config must be
 * written already: Pulumi puts the salt of the stack's secrets into it.
 */
export async function ensureStack(pulumi: Pulumi): Promise<string> {
  const { stack } = pulumi;
  const lock = await freeStaleLock(pulumi);
  const checkpoint = await readCheckpoint(stack);
  if (checkpoint) {
    // While another run works, what it has begun is no leftover; Pulumi will say that it holds the lock.
    const removed = lock === "held" ? [] : await removeUnfinished(stack, checkpoint);
    return [
      `stack ${stack}`,
      ...(lock === "freed" ? ["freed from the lock of a run that died"] : []),
      ...(removed.length > 0 ? [`cleared of its unfinished ${removed.join(", ")}`] : []),
    ].join(", ");
  }

  // `stack init` writes beside the Pulumi.yaml it finds: it is given one in the data home, not the checkout's.
  const folder = stackFolder(stack);
  await mkdir(join(dataHome, "state"), { recursive: true, mode: 0o700 });
  await copyFile(join(repository, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  const init = ["stack", "init", stack, "--no-select"];
  const outcome = await pulumi.run(init, { directory: folder });
  if (outcome.code !== 0)
    throw new ChildError(`The stack ${stack} could not be made.`, ["pulumi", ...init], outcome);
  return `stack ${stack} made, its state in ${join(dataHome, "state")}`;
}

/** What the file backend writes into a lock. */
interface StackLock {
  pid: number;
  hostname: string;
}

/** Removes a stack's lock whose process is gone from this machine; answers what became of the lock, if there was one. */
async function freeStaleLock(pulumi: Pulumi): Promise<"none" | "freed" | "held"> {
  const folder = join(dataHome, "state/.pulumi/locks/organization", project, pulumi.stack);
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith(".json"));
  const locks = await Promise.all(
    files.map(async (file): Promise<StackLock> => JSON.parse(await readFile(join(folder, file), "utf8"))),
  );
  if (locks.length === 0) return "none";
  if (!locks.every((lock) => lock.hostname === hostname() && !lives(lock.pid))) return "held";
  await pulumi.run(["cancel", pulumi.stack, "--yes"]);
  return "freed";
}

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};
