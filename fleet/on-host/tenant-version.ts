import * as z from "zod";
import type { TenantSpec } from "../../components/fleet-config.ts";
import { type Script, scriptText } from "../../components/host/shell.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, runOn } from "./asked-host.ts";

/** Rows of every table of a database. */
export const Rows = z.record(z.string(), z.number());
export type Rows = z.infer<typeof Rows>;

const Image = z.object({ id: z.string().regex(/^sha256:[0-9a-f]{64}$/) });
const Copied = z.object({ bytes: z.number(), seconds: z.number(), rows: Rows });
/** A copy of a tenant's database on its host, made while it served. */
export type Copied = z.infer<typeof Copied>;
const Counted = z.object({ rows: Rows });
/** Revisions of alembic: what a database has, and what its application's version ends with. */
const Schema = z.object({ is: z.array(z.string()), head: z.array(z.string()) });
export type Schema = z.infer<typeof Schema>;

/** What a tenant's container does, and what of its data was set aside. */
const Standing = z.object({
  /** Id; empty: there is no container. */
  image: z.string(),
  running: z.boolean(),
  /** How often it ended by itself since it was made. */
  restarts: z.number(),
  /** With which it ended last. */
  code: z.number(),
  health: z.string(),
  /** Setting aside was begun; `aside` and `failed`: it is whole. */
  begun: z.boolean(),
  aside: z.boolean(),
  failed: z.boolean(),
});
export type Standing = z.infer<typeof Standing>;

/** What is noted beside what was set aside, for a rollback. */
export const AsideRecord = z.object({
  operation: z.string(),
  kind: z.enum(["upgrade", "rollback"]),
  /** Whose database it is, `v0.9.6`, and what came after it. */
  version: z.string(),
  next: z.string(),
  /** `version` of the tenant's entry then; null: it had none. */
  written: z.string().nullable(),
});
export type AsideRecord = z.infer<typeof AsideRecord>;

/** A folder beside a tenant's data that holds a database it had. */
const Aside = z.object({
  /** `data.before-17`, `data.failed-17`. */
  folder: z.string(),
  /** Since when, in seconds since 1970. */
  at: z.number(),
  bytes: z.number(),
  /** Null: what it belongs to did not end well. */
  record: AsideRecord.nullable().catch(null),
});
export type Aside = z.infer<typeof Aside>;

/** The host could not do its part of a change of version; the message says why, and what became of the data. */
export class HostPartError extends CommandError {
  override name = "HostPartError";
}

/** One tenant's part on its host in a change of its version (components/host/tenant-version.sh). */
export class TenantVersion {
  readonly #host: AskedHost;
  readonly #always: Script["variables"];
  readonly #limits: Script["variables"];
  readonly #home: string;

  constructor(
    host: AskedHost,
    stack: string,
    { id, memory, pids }: Pick<TenantSpec, "id" | "memory" | "pids">,
  ) {
    this.#host = host;
    this.#home = `${host.spec.root}/tenants/${id}`;
    this.#always = { ROOT: host.spec.root, STACK: stack, TENANT: id };
    this.#limits = { MEMORY: memory.limit, PIDS: pids };
  }

  /** Folder with the copy that is rehearsed on. */
  get copyFolder(): string {
    return `${this.#home}/rehearsal/data`;
  }

  /** Files of the tenant that its application is given. */
  get config(): { key: string; environment: string } {
    const file = (name: string) => `${this.#home}/config/${name}`;
    return { key: file("webui_secret_key"), environment: file("environment") };
  }

  pathOf(folder: string): string {
    return `${this.#home}/${folder}`;
  }

  /** Id of an image, which the host's engine has from then on. */
  async fetch(image: string): Promise<string> {
    return (await this.#ask(Image, "fetch", { IMAGE: image })).id;
  }

  copy(image: string): Promise<Copied> {
    return this.#ask(Copied, "copy", { IMAGE: image, ...this.#limits });
  }

  async rowsOf(aside: string, image: string): Promise<Rows> {
    return (await this.#ask(Counted, "rows", { ASIDE: aside, IMAGE: image, ...this.#limits })).rows;
  }

  schema(container: string): Promise<Schema> {
    return this.#ask(Schema, "schema", { CONTAINER: container });
  }

  /** Rows that were made or changed since, by the times that they bear; tables without times do not count. */
  written(since: number): Promise<Rows> {
    return this.#ask(Rows, "written", { SINCE: since });
  }

  async clean(): Promise<void> {
    await this.#run("clean", {});
  }

  /**
   * @param put what comes in the place of what is set aside; undefined: a copy is set aside, and what is there stays
   * @param take `put` itself comes, and no copy of it
   */
  async prepare(image: string, aside: string, put: string | undefined, take = false): Promise<void> {
    await this.#run("prepare", { IMAGE: image, ASIDE: aside, PUT: put ?? "", TAKE: take ? 1 : "" });
  }

  /** Does at once what was prepared, without an `up`. */
  async switch(image: string, container: string): Promise<void> {
    const { ROOT, TENANT } = this.#always;
    const variables = { ...({ ROOT, TENANT } as Script["variables"]), CONTAINER: container, IMAGE: image };
    said(await runOn(this.#host, scriptText("tenant-switch").toString(), variables));
  }

  state(aside: string, failed: string): Promise<Standing> {
    return this.#ask(Standing, "state", { ASIDE: aside, FAILED: failed });
  }

  /** Removes the container if it has this image; what it said is kept. */
  async stopped(image: string): Promise<void> {
    await this.#run("stopped", { IMAGE: image });
  }

  async started(): Promise<void> {
    await this.#run("started", {});
  }

  async keep(aside: string, record: AsideRecord, forget: readonly string[] = []): Promise<void> {
    await this.#run("keep", { ASIDE: aside, RECORD: JSON.stringify(record), FORGET: forget.join("\n") });
  }

  /** The latest first. */
  async list(): Promise<Aside[]> {
    return (await this.#ask(z.array(Aside), "list", {})).sort((a, b) => b.at - a.at);
  }

  async #ask<T>(schema: z.ZodType<T>, action: string, variables: Script["variables"]): Promise<T> {
    const text = await this.#run(action, variables);
    try {
      return schema.parse(JSON.parse(text));
    } catch (cause) {
      throw new HostPartError(
        "What a tenant's host said of it makes no sense. Nothing was changed by that.",
        {
          cause,
        },
      );
    }
  }

  async #run(action: string, variables: Script["variables"]): Promise<string> {
    const all = { ...this.#always, ...variables, ACTION: action };
    return said(await runOn(this.#host, scriptText("tenant-version").toString(), all));
  }
}

function said(answer: Awaited<ReturnType<typeof runOn>>): string {
  if ("said" in answer) return answer.said;
  throw new HostPartError(answer.failure);
}
