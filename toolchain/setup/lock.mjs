import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cache } from "./paths.mjs";

/**
 * Does something that two runs at once must not do. The kernel holds the lock (flock, of util-linux) for a child
 * that reads from this process: it is gone with this process, however that ends.
 *
 * @template T
 * @param {string} name
 * @param {(text: string) => void} progress
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function locked(name, progress, work) {
  await mkdir(cache, { recursive: true });
  const holder = spawn("flock", [join(cache, `${name}.lock`), "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Ctrl-C must not take the lock away while what it guards is being stopped.
    detached: true,
  });
  const waiting = setTimeout(() => progress("waiting for another run that is busy with the same"), 500);
  try {
    await new Promise((held, failed) => {
      holder.stdout.once("data", held);
      holder.once("error", failed);
      holder.once("close", (code) => failed(new Error(`flock ended with ${code} for ${name}`)));
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.removeAllListeners("close");
    holder.stdin.end();
  }
}
