import * as z from "zod";
import { scriptText } from "../../components/host/shell.ts";
import { type AskedHost, runOn } from "./asked-host.ts";
import { containerState } from "./tenant-container.ts";

/** A backup that can be restored. */
export const StoredBackup = z.object({
  id: z.string(),
  time: z.string(),
  openWebui: z.string().nullable(),
  /** What its database is. */
  database: z.enum(["sqlite", "postgres"]).prefault("sqlite"),
});
export type StoredBackup = z.infer<typeof StoredBackup>;

/** What is kept of a tenant behind a backup that ended well, as far as it is told. */
export const MadeBackup = z.object({
  snapshot: z.string(),
  lastGood: z.string(),
  bytes: z.number(),
  addedBytes: z.number(),
  snapshots: z.number(),
});
export type MadeBackup = z.infer<typeof MadeBackup>;

/** What a bucket or a server keeps of a tenant. */
export const StoredOfTenant = z.object({
  objects: z.number(),
  bytes: z.number(),
  /** False: whether older versions of objects are kept could not be seen. */
  versions: z.boolean(),
});
export type StoredOfTenant = z.infer<typeof StoredOfTenant>;

const Checked = z.object({ whole: z.literal(true) });

/** An answer, or why there is none. */
export type Told<T> = { said: T } | { failure: string };

/** What is asked of what backs a host's tenants up, by components/host/backup.sh. */
export class HostBackups {
  readonly #host: AskedHost;
  readonly #stack: string;

  constructor(host: AskedHost, stack: string) {
    this.#host = host;
    this.#stack = stack;
  }

  /** Backs a tenant up now; resolves when that ended. */
  run(tenant: string): Promise<Told<MadeBackup>> {
    return this.#ask({ VERB: "run", TENANT: tenant }, MadeBackup);
  }

  /** The latest last. */
  list(tenant: string): Promise<Told<StoredBackup[]>> {
    return this.#ask({ VERB: "list", TENANT: tenant }, z.array(StoredBackup));
  }

  /** @param data whether all of it is read */
  check(tenant: string, data: boolean): Promise<Told<{ whole: true }>> {
    return this.#ask({ VERB: "check", TENANT: tenant, ...(data ? { DATA: "yes" } : {}) }, Checked);
  }

  /**
   * What a bucket or a server keeps of a tenant, removed before where that is asked for.
   * @param alone whether what backs up runs here no more: then a container of its own asks
   */
  stored(verb: "stored" | "remove", tenant: string, alone: boolean): Promise<Told<StoredOfTenant>> {
    const asked = { VERB: verb, TENANT: tenant, ALONE: alone ? "yes" : "", ROOT: this.#host.spec.root };
    return this.#ask(asked, StoredOfTenant);
  }

  /** Whether what backs up runs on this host. */
  async running(): Promise<boolean> {
    return (await containerState(this.#host, `owui-${this.#stack}-backup`)).running;
  }

  async #ask<T>(variables: Record<string, string>, schema: z.ZodType<T>): Promise<Told<T>> {
    const answer = await runOn(this.#host, scriptText("backup").toString(), {
      STACK: this.#stack,
      ...variables,
    });
    if ("failure" in answer) return answer;
    const parsed = schema.safeParse(parsedJson(answer.said));
    return parsed.success ? { said: parsed.data } : { failure: "what it said makes no sense" };
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
