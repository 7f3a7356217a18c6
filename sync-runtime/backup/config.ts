import * as z from "zod";
import { loadConfigFile } from "../config-file.ts";

/** Where the config lies in the container. */
export const DEFAULT_CONFIG_PATH = "/etc/fleet/backup.json";

const Seconds = z.int().positive();

/** Where backups are kept; files that hold keys are named, never their contents. */
const Repository = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("folder"),
    path: z.string(),
    /** What a file `.owui-backups` in it says: without it another disk is mounted there, or none. */
    mark: z.string().min(1),
  }),
  z.strictObject({
    kind: z.literal("s3"),
    endpoint: z.string(),
    bucket: z.string(),
    prefix: z.string().optional(),
    region: z.string(),
    keyId: z.string(),
    keyFile: z.string(),
  }),
  z.strictObject({
    kind: z.literal("sftp"),
    address: z.string(),
    port: z.int(),
    user: z.string(),
    path: z.string(),
    keyFile: z.string(),
    /** In the format of OpenSSH's known_hosts. */
    knownHosts: z.string(),
  }),
]);
export type Repository = z.infer<typeof Repository>;

const TENANT_ID = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

/** Whether that may be a tenant's name. */
export const isTenantId = (text: string): boolean => TENANT_ID.test(text);

/** A tenant that is backed up. */
const BackedUp = z.strictObject({
  id: z.string().regex(TENANT_ID),
  /** Of Open WebUI, `v0.11.3`. */
  version: z.string(),
  /** Its entry as it was applied, without what is secret in it. */
  entry: z.record(z.string(), z.unknown()),
  /** The Postgres that it works on, without the password; absent: its SQLite file. */
  database: z.strictObject({ url: z.string() }).optional(),
});
export type BackedUp = z.infer<typeof BackedUp>;

const BackupConfig = z.strictObject({
  host: z.string().min(1),
  repository: Repository,
  /** From one backup of a tenant to its next. */
  every: Seconds,
  /** How long a backup is kept. */
  keep: Seconds,
  /** From one trial restore to the next; told to whoever watches. */
  drill: Seconds,
  tenants: z.array(BackedUp),
  directories: z.strictObject({
    /** `<tenant>/data`, `<tenant>/config`, `<tenant>/branding`, read-only. */
    tenants: z.string(),
    /** Restic's cache, and copies of databases while they are stored. */
    state: z.string(),
    /** A file for each tenant, for the agent and operators to read. */
    status: z.string(),
    /** `<tenant>`: the passphrase of its repository. */
    passwords: z.string(),
    /** File with the password of each tenant's Postgres, `{"acme": "…"}`. */
    databases: z.string().prefault("/etc/fleet/databases.json"),
  }),
  /** Path of the socket at which the program that runs is asked for a backup now. */
  door: z.string(),
});
export type BackupConfig = z.infer<typeof BackupConfig>;

/** Reads the config, or says everything that is wrong with it. */
export const loadConfig = (path: string): Promise<BackupConfig> =>
  loadConfigFile(path, BackupConfig, "a config of backups");
