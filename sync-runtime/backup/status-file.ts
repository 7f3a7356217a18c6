import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { BackupStatus } from "../protocol/backup-status.ts";

/** What is kept of a tenant: how its backups are, and what the schedule goes by. A start of the program changes nothing of it. */
export const Kept = BackupStatus.extend({
  /** When it is backed up next. */
  due: z.iso.datetime(),
  /** Failures in a row. */
  failures: z.int().nonnegative(),
  /** Id of its repository, once there was one. */
  repository: z.string().nullable(),
  /** When what is too old was removed last, and the repository looked through. */
  tidied: z.iso.datetime().nullable(),
  /** URL of the Postgres of which all that is said; null: its SQLite file. */
  database: z.string().nullable().default(null),
});
export type Kept = z.infer<typeof Kept>;

/** A tenant that is to be backed up for the first time. */
export const beginning = (tenant: string, now: Date): Kept => ({
  ...{ tenant, every: 0, drillEvery: 0, since: now.toISOString() },
  ...{ lastStarted: null, lastGood: null, snapshot: null, bytes: 0, addedBytes: 0, snapshots: 0 },
  ...{ failing: null, drill: null },
  ...{ due: now.toISOString(), failures: 0, repository: null, tidied: null },
  database: null,
});

/** What trial restores showed: as it was written by then, but nothing of another database than the one that is spoken of. */
export const drillOf = (found: Kept | undefined, kept: Kept): Kept["drill"] =>
  found?.database === kept.database ? found.drill : kept.drill;

/** The files that say how tenants' backups are, for the host's agent and operators to read. */
export class StatusFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Undefined where there is none. One that cannot be read is an error: it may say that there are backups. */
  async read(tenant: string): Promise<Kept | undefined> {
    const path = this.#path(tenant);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    try {
      return Kept.parse(JSON.parse(text));
    } catch (cause) {
      throw new Error(`${path} is no file of this program; remove it, and it is made anew.`, { cause });
    }
  }

  /** Changes what is kept of a tenant; the trial restores' part may be another's and is taken as it is by then. */
  async write(kept: Kept): Promise<void> {
    const found = await this.read(kept.tenant).catch(() => undefined);
    await this.#put({ ...kept, drill: drillOf(found, kept) });
  }

  /** Sets what a trial restore showed. */
  async drilled(kept: Kept, drill: Kept["drill"]): Promise<void> {
    await this.#put({ ...kept, drill });
  }

  async #put(kept: Kept): Promise<void> {
    const path = this.#path(kept.tenant);
    await writeFile(`${path}.staged`, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o640 });
    await rename(`${path}.staged`, path);
  }

  #path(tenant: string): string {
    return join(this.#directory, `${tenant}.json`);
  }
}

/** Every status in a folder, also of tenants that are backed up no more; what is none is told. */
export async function readStatuses(
  directory: string,
  complain: (path: string, why: string) => void = () => {},
): Promise<BackupStatus[]> {
  const names = await readdir(directory).catch(() => []);
  const found = names
    .filter((name) => name.endsWith(".json"))
    .map(async (name) => {
      const path = join(directory, name);
      try {
        return BackupStatus.parse(JSON.parse(await readFile(path, "utf8")));
      } catch (error) {
        complain(path, (error as Error).message);
        return undefined;
      }
    });
  return (await Promise.all(found)).filter((status) => status !== undefined);
}
