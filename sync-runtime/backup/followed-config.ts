import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../host/log.ts";
import { type BackupConfig, loadConfig } from "./config.ts";

/** How often the file is looked at. */
const LOOK_MS = 1_000;

/**
 * Tells of every config that takes the place of the one that was read at the start, until the signal aborts: another tenant,
 * entry or interval starts no program anew. One that cannot be read changes nothing and is told once.
 */
export async function followConfig(
  path: string,
  log: Log,
  use: (config: BackupConfig) => Promise<void>,
  signal: AbortSignal,
  lookMs = LOOK_MS,
): Promise<void> {
  const read = () => readFile(path, "utf8").catch(() => "");
  let seen = await read();
  while (await sleep(lookMs, true, { signal }).catch(() => false)) {
    const text = await read();
    if (text === seen) continue;
    seen = text;
    try {
      await use(await loadConfig(path));
      log.info("another config counts from now on");
    } catch (error) {
      log.error({ reason: (error as Error).message }, "the config could not be read; the one before counts");
    }
  }
}
