import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { type Backend, backendOf, backendText, stackReference, stateFolder } from "./backend.ts";
import { ChildError } from "./child.mjs";
import { effectiveFile } from "./effective-config.ts";
import { removeUnfinished, unfinished } from "./interrupted.ts";
import { repository, stackFolder } from "./paths.mjs";
import type { Pulumi } from "./pulumi.ts";
import { isLocked, lives } from "./stack-lock.ts";
import { type Checkpoint, project, readCheckpoint } from "./stack-state.ts";

/**
 * Makes the stack if it was never made, and cleans up after a run that was killed. Its effective config must be
 * written already: Pulumi puts the salt of the stack's secrets into it.
 */
export async function ensureStack(pulumi: Pulumi): Promise<string> {
  const { stack } = pulumi;
  const backend = backendOf(stack);
  const checkpoint = await readCheckpoint(stack);
  const lock =
    backend.kind === "file" ? await freeStaleLock(pulumi) : await lockElsewhere(pulumi, checkpoint);
  if (checkpoint) {
    // While another run works, what it has begun is no leftover; Pulumi will say that it holds the lock.
    const removed = lock === "held" ? [] : await removeUnfinished(stack, checkpoint);
    return [
      `stack ${stack}`,
      ...(lock === "freed" ? ["freed from the lock of a run that died"] : []),
      ...(removed.length > 0 ? [`cleared of its unfinished ${removed.join(", ")}`] : []),
    ].join(", ");
  }

  return initStack(pulumi, backend);
}

/** Makes a stack, empty. Its secrets are encrypted with the data home's passphrase, wherever its state is. */
export async function initStack(pulumi: Pulumi, backend: Backend): Promise<string> {
  const { stack } = pulumi;
  // `stack init` writes beside the Pulumi.yaml it finds: it is given one in the data home, not the checkout's.
  const folder = stackFolder(stack);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  await copyFile(join(repository, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  const name = stackReference(stack, backend);
  const init = ["stack", "init", name, "--no-select", "--secrets-provider", "passphrase"];
  const outcome = await pulumi.run(init, { directory: folder });
  if (outcome.code !== 0)
    throw new ChildError(`The stack ${stack} could not be made.`, ["pulumi", ...init], outcome);
  return `stack ${stack} made, its state in ${backendText(backend)}`;
}

/** What the file backend writes into a lock. */
interface StackLock {
  pid: number;
  hostname: string;
}

/** Removes a stack's lock whose process is gone from this machine; answers what became of the lock, if there was one. */
async function freeStaleLock(pulumi: Pulumi): Promise<"none" | "freed" | "held"> {
  const folder = join(stateFolder, ".pulumi/locks/organization", project, pulumi.stack);
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith(".json"));
  const locks = await Promise.all(
    files.map(async (file): Promise<StackLock> => JSON.parse(await readFile(join(folder, file), "utf8"))),
  );
  if (locks.length === 0) return "none";
  if (!locks.every((lock) => lock.hostname === hostname() && !lives(lock.pid))) return "held";
  await pulumi.run(["cancel", pulumi.stack, "--yes"]);
  return "freed";
}

/**
 * Whether somebody works on a stack whose state, and lock, is elsewhere. Only asked where a run left something
 * unfinished: by a refresh of the stack itself, which needs the lock and touches nothing.
 */
async function lockElsewhere(pulumi: Pulumi, checkpoint: Checkpoint | undefined): Promise<"none" | "held"> {
  const root = checkpoint?.checkpoint.latest?.resources?.find(({ type }) => type === "pulumi:pulumi:Stack");
  if (!root || unfinished(checkpoint).length === 0) return "none";
  const flags = [
    "--yes",
    "--skip-preview",
    "--target",
    root.urn,
    "--config-file",
    effectiveFile(pulumi.stack),
  ];
  const { code, stdout, stderr } = await pulumi.run(["refresh", ...flags]);
  return code !== 0 && isLocked(stdout + stderr) ? "held" : "none";
}
