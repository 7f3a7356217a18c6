import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { BackupConfig, Repository } from "../../sync-runtime/backup/config.ts";
import type { TenantPostgres } from "../../sync-runtime/backup/postgres-dump.ts";
import { Kept } from "../../sync-runtime/backup/status-file.ts";
import { stopChild } from "./child-process.ts";
import { imageEnvironment } from "./image-environment.ts";
import { programOf } from "./programs.ts";
import { createWebuiDatabase, type WebuiDatabaseOptions } from "./webui-database.ts";

const run = promisify(execFile);

/** What a command of the program ended with. */
export interface Ended {
  code: number;
  said: string;
  complained: string;
}

/** A host whose tenants are backed up: directories of its own, the program as the image has it, and Debian's restic. */
export class BackupHome implements AsyncDisposable {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "backup-")));
  /** Every line that the program logged. */
  readonly log: Record<string, unknown>[] = [];
  /** What it wrote besides. */
  complaints = "";
  config: BackupConfig;
  #child: ChildProcess | undefined;

  /** @param repository instead of a folder of its own */
  constructor(repository?: Repository) {
    for (const name of ["tenants", "state", "status", "passwords", "repository"])
      mkdirSync(join(this.root, name));
    writeFileSync(join(this.root, "repository/.owui-backups"), "test\n");
    this.config = {
      host: "local",
      repository: repository ?? { kind: "folder", path: join(this.root, "repository"), mark: "test" },
      ...{ every: 21_600, keep: 2_592_000, drill: 604_800, tenants: [] },
      directories: {
        tenants: join(this.root, "tenants"),
        state: join(this.root, "state"),
        status: join(this.root, "status"),
        passwords: join(this.root, "passwords"),
        databases: join(this.root, "databases.json"),
      },
      door: join(this.root, "door"),
    };
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** A tenant with a database and a few files; answers its data directory. */
  addTenant(id: string, options: Partial<WebuiDatabaseOptions> = {}): string {
    const home = this.path("tenants", id);
    for (const name of ["data/uploads", "config", "branding"])
      mkdirSync(join(home, name), { recursive: true });
    const identity = {
      ...{ fleet: "test", tenant: id, id: "6f2b1a52-5f4e-4a34-9d0e-0a7a4a7b3c11" },
      created: "2026-11-22T00:00:00Z",
    };
    for (const file of ["data/.owui-identity.json", "config/identity.json"])
      writeFileSync(join(home, file), JSON.stringify(identity));
    writeFileSync(join(home, "config/webui_secret_key"), `key of ${id}`, { mode: 0o600 });
    writeFileSync(join(home, "branding/favicon.png"), `brand of ${id}`);
    writeFileSync(join(home, "data/uploads/letter.txt"), `a letter to ${id}`);
    writeFileSync(this.path("passwords", id), `passphrase of ${id}`, { mode: 0o400 });
    createWebuiDatabase(join(home, "data/webui.db"), { schema: "v0.11.3-fresh", journal: "wal", ...options });
    this.config.tenants.push({ id, version: "v0.11.3", entry: { domain: `${id}.localhost` } });
    return join(home, "data");
  }

  /** Has a tenant work on a Postgres from the next {@link tell} on; without one on its SQLite file again. */
  setPostgres(id: string, postgres?: TenantPostgres): void {
    const tenant = this.config.tenants.find((one) => one.id === id);
    if (!tenant) throw new Error(`there is no tenant ${id}`);
    const passwords = postgres ? { [id]: postgres.password } : {};
    writeFileSync(this.config.directories.databases, JSON.stringify(passwords), { mode: 0o400 });
    const { database: _, ...rest } = tenant;
    const changed = postgres ? { ...rest, database: { url: postgres.url } } : rest;
    this.config.tenants.splice(this.config.tenants.indexOf(tenant), 1, changed);
  }

  #written(): string {
    const path = this.path("backup.json");
    // By a rename, as the stack does.
    writeFileSync(`${path}.staged`, JSON.stringify(this.config));
    renameSync(`${path}.staged`, path);
    return path;
  }

  /** Has the program that runs see what the config is now. */
  tell(): void {
    this.#written();
  }

  /** Starts the program, which begins with whoever is due. */
  start(environment: Record<string, string> = {}): ChildProcess {
    const child = spawn(process.execPath, [programOf("backup"), this.#written()], {
      env: { ...process.env, ...imageEnvironment, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    createInterface(child.stdout).on("line", (line) => this.log.push(JSON.parse(line)));
    child.stderr.on("data", (said) => {
      this.complaints += said;
    });
    this.#child = child;
    return child;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    return stopChild(this.#child, signal);
  }

  /** A command, as `docker exec` runs it. */
  command(...args: string[]): Promise<Ended> {
    return this.#command(args, "");
  }

  /** The same about acme, with something on its standard input. */
  ask(command: string, input: string): Promise<Ended> {
    return this.#command([command, "acme"], input);
  }

  async #command(args: readonly string[], input: string): Promise<Ended> {
    const argv = [programOf("backup"), ...args, "--config", this.#written()];
    try {
      const running = run(process.execPath, argv, { maxBuffer: 2 ** 26 });
      running.child.stdin?.end(input);
      const { stdout, stderr } = await running;
      return { code: 0, said: stdout, complained: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, said: stdout, complained: stderr };
    }
  }

  /** Restic itself, on a tenant's repository in the folder. */
  async restic(tenant: string, ...args: string[]): Promise<string> {
    const env = {
      ...process.env,
      RESTIC_REPOSITORY: this.path("repository", tenant),
      RESTIC_PASSWORD_FILE: this.path("passwords", tenant),
      RESTIC_CACHE_DIR: this.path("state/cache"),
    };
    return (await run("restic", args, { env, maxBuffer: 2 ** 28, encoding: "latin1" })).stdout;
  }

  /** What the program keeps of a tenant. */
  status(tenant: string): Kept {
    return Kept.parse(JSON.parse(readFileSync(this.path("status", `${tenant}.json`), "utf8")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }
}
