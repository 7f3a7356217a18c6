import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../host/log.ts";
import type { Drill } from "../protocol/backup-status.ts";
import { BackupError } from "./backup-error.ts";
import { backUp, type RunOutcome } from "./backup-run.ts";
import type { BackedUp, BackupConfig } from "./config.ts";
import { begunAnew, dueAfterFailure, dueAfterGood, next, rescheduled, resumed } from "./schedule.ts";
import { beginning, drillOf, type Kept, StatusFiles } from "./status-file.ts";

/** The longest sleep: a clock that was set shows by then. */
const LOOK_MS = 60_000;

/** What the service is given besides its config. */
export interface ServiceParts {
  log: Log;
  now?: () => Date;
  /** From 0 to 1. */
  random?: () => number;
}

/** A tenant that this host does not back up. */
export class UnknownTenantError extends Error {
  override name = "UnknownTenantError";
}

/**
 * Backs the host's tenants up, one after the other, each when it is due or asked for. Nobody else writes to their
 * repositories: a lock that is found there is a killed run's.
 */
export class BackupService {
  #config: BackupConfig;
  readonly #files: StatusFiles;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #random: () => number;
  readonly #kept = new Map<string, Kept>();
  /** Who is asked for now, with those who wait for it. */
  readonly #asked = new Map<string, PromiseWithResolvers<Kept>>();
  /** Whose backup is being made, and what ends it. */
  #running: { id: string; stop: AbortController } | undefined;
  #wake = new AbortController();

  constructor(config: BackupConfig, { log, now = () => new Date(), random = Math.random }: ServiceParts) {
    this.#config = config;
    this.#files = new StatusFiles(config.directories.status);
    this.#log = log;
    this.#now = now;
    this.#random = random;
  }

  /** Takes up what earlier runs left. */
  async prepare(): Promise<void> {
    const { directories } = this.#config;
    for (const name of ["staging", "tmp"]) {
      const path = join(directories.state, name);
      await rm(path, { recursive: true, force: true });
      await mkdir(path, { recursive: true, mode: 0o700 });
    }
    await this.follow(this.#config);
  }

  /**
   * Goes by another config from now on. A backup that is being made goes on, unless its tenant is none of the host's any more
   * or works on another database.
   */
  async follow(config: BackupConfig): Promise<void> {
    this.#config = config;
    const { tenants, every, drill } = config;
    const wanted = new Set(tenants.map(({ id }) => id));
    for (const id of new Set(this.#kept.keys()).difference(wanted)) this.#leave(id);
    for (const tenant of tenants) {
      const { id } = tenant;
      const kept = this.#kept.get(id);
      const known = kept ?? (await this.#files.read(id)) ?? beginning(id, this.#now());
      if (known.database !== databaseOf(tenant)) {
        if (this.#running?.id === id) this.#running.stop.abort();
        await this.#keep({ ...begunAnew(known, databaseOf(tenant), this.#now()), every, drillEvery: drill });
      } else if (kept === undefined) {
        await this.#keep(resumed(known, every, drill, this.#now()));
      } else if (this.#running?.id !== id && (kept.every !== every || kept.drillEvery !== drill))
        await this.#keep(rescheduled(kept, every, drill, this.#now()));
    }
    this.#wake.abort();
  }

  /** Nothing of it is written from here on: whoever erases it finds nothing that comes back. */
  #leave(tenant: string): void {
    this.#kept.delete(tenant);
    if (this.#running?.id === tenant) this.#running.stop.abort();
    this.#asked.get(tenant)?.reject(unknown(tenant));
    this.#asked.delete(tenant);
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const tenant = this.#next();
      if (tenant) await this.#backUp(tenant, signal);
      else await this.#rest(signal);
    }
    for (const { reject } of this.#asked.values())
      reject(new BackupError("interrupted", "The program was ended before."));
  }

  /** Has a tenant backed up now, behind the one that is; answers once that ended, well or not. */
  backUpNow(tenant: string): Promise<Kept> {
    this.#require(tenant);
    const asked = this.#asked.get(tenant) ?? Promise.withResolvers<Kept>();
    // Whoever asked may have gone away.
    asked.promise.catch(() => {});
    this.#asked.set(tenant, asked);
    this.#wake.abort();
    return asked.promise;
  }

  /** Keeps what a trial restore showed; one that began before the tenant went to another database speaks for the former one. */
  async drilled(tenant: string, drill: Drill): Promise<Kept> {
    const known = this.#require(tenant);
    if (Date.parse(drill.at) - drill.seconds * 1000 < Date.parse(known.since)) return known;
    const kept = { ...known, drill };
    this.#kept.set(tenant, kept);
    await this.#files.drilled(kept, drill);
    return kept;
  }

  #require(tenant: string): Kept {
    const kept = this.#kept.get(tenant);
    if (!kept) throw unknown(tenant);
    return kept;
  }

  #next(): BackedUp | undefined {
    const [asked] = this.#asked.keys();
    const first = next(this.#kept.values());
    const due = first && first.due <= this.#now() ? first.tenant : undefined;
    return this.#config.tenants.find(({ id }) => id === (asked ?? due));
  }

  async #rest(signal: AbortSignal): Promise<void> {
    const first = next(this.#kept.values());
    const left = first ? first.due.getTime() - this.#now().getTime() : LOOK_MS;
    this.#wake = new AbortController();
    const until = AbortSignal.any([signal, this.#wake.signal]);
    await sleep(Math.min(Math.max(left, 10), LOOK_MS), undefined, { signal: until }).catch(() => {});
  }

  async #backUp(tenant: BackedUp, signal: AbortSignal): Promise<void> {
    const { id } = tenant;
    const asked = this.#asked.get(id);
    const begun = this.#now();
    const kept = this.#require(id);
    const database = databaseOf(tenant);
    const before = kept.database === database ? kept : begunAnew(kept, database, begun);
    // What kills this run is not to kill the next ones at once.
    const due = dueAfterFailure(before, begun, this.#config.every, before.failures + 1, this.#random());
    const running: Kept = { ...before, lastStarted: begun.toISOString(), due };
    const stop = new AbortController();
    this.#running = { id, stop };
    let ended: Kept | undefined;
    try {
      await this.#keep(running);
      const both = AbortSignal.any([signal, stop.signal]);
      const outcome = await backUp(this.#config, tenant, running, this.#now, both);
      if (!stop.signal.aborted) ended = this.#good(running, outcome, begun);
    } catch (error) {
      if (!stop.signal.aborted) ended = this.#failed(running, error);
    }
    this.#running = undefined;
    if (ended === undefined) {
      const gone = this.#kept.has(id) ? "tenant works on another database" : "tenant is backed up no more";
      this.#log.info({ tenant: id }, `${gone}; what was being stored of it was left`);
      return;
    }
    const { every, drill: drillEvery } = this.#config;
    await this.#keep({ ...ended, every, drillEvery });
    // One that was asked for while this ran is served by the next.
    if (asked && this.#asked.get(id) === asked) {
      this.#asked.delete(id);
      asked.resolve(this.#require(id));
    }
  }

  #good(running: Kept, outcome: RunOutcome, begun: Date): Kept {
    const { snapshot, bytes, addedBytes, snapshots, repository, leftOut, unsettled, tidied, untidy } =
      outcome;
    const seconds = (this.#now().getTime() - begun.getTime()) / 1000;
    const { tenant } = running;
    this.#log.info(
      { tenant, snapshot, bytes, addedBytes, seconds, leftOut, unsettled },
      "tenant was backed up",
    );
    if (untidy)
      this.#log.error({ tenant, code: untidy.code, reason: untidy.message }, "old backups were not removed");
    const now = this.#now();
    return {
      ...running,
      ...{ lastGood: begun.toISOString(), snapshot, bytes, addedBytes, snapshots, repository },
      failing: untidy ? { since: running.failing?.since ?? now.toISOString(), why: wordsOf(untidy) } : null,
      failures: 0,
      due: dueAfterGood(begun, this.#config.every, this.#random()),
      ...(tidied ? { tidied: now.toISOString() } : {}),
    };
  }

  #failed(running: Kept, error: unknown): Kept {
    const { tenant, lastStarted } = running;
    const known = error instanceof BackupError;
    const code = known ? error.code : "failed";
    this.#log.error({ tenant, code, reason: (error as Error).message }, "tenant could not be backed up");
    const failures = running.failures + 1;
    const since = running.failing?.since ?? lastStarted ?? this.#now().toISOString();
    return {
      ...running,
      failing: { since, why: known ? wordsOf(error) : `It failed: ${(error as Error).message}` },
      failures,
      due: dueAfterFailure(running, this.#now(), this.#config.every, failures, this.#random()),
    };
  }

  /** Kept here in any case; what cannot be written shows by its age. */
  async #keep(kept: Kept): Promise<void> {
    const drill = drillOf(await this.#files.read(kept.tenant).catch(() => undefined), kept);
    this.#kept.set(kept.tenant, { ...kept, drill });
    await this.#files.write(kept).catch((error) => {
      this.#log.error(
        { tenant: kept.tenant, reason: (error as Error).message },
        "status could not be written",
      );
    });
  }
}

const databaseOf = ({ database }: BackedUp): string | null => database?.url ?? null;

const unknown = (tenant: string) => new UnknownTenantError(`This host backs up no tenant ${tenant}.`);

const wordsOf = (error: BackupError): string => `${error.message} ${error.remedy}`;
