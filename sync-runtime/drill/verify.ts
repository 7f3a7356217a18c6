import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { filesDigest } from "../host/files-digest.ts";
import { BackupManifest, databaseFile, LATEST_FORMAT } from "../protocol/backup-manifest.ts";
import { type DatabaseSums, DatabaseUnreadableError, databaseSums } from "./database-process.ts";
import { fileDigest, fileTree, shown } from "./file-tree.ts";
import { openForSums, postgresSums } from "./postgres-sums.ts";

/** A snapshot in a folder that was found to be what its manifest says. */
export interface Verified {
  tenant: string;
  openWebui: string;
  takenAt: string;
  tables: number;
  rows: number;
  files: number;
  /** Of the database and all files. */
  bytes: number;
}

/** How it went: either it is what its manifest says, or every difference, each a sentence. */
export type Verdict = { verified: Verified } | { problems: string[] };

/** Of tables or files that differ, so many are named. */
const NAMED = 8;
/** A manifest of 1000 tables with the longest names takes 0.2 MB. */
const LONGEST_MANIFEST = 4 * 2 ** 20;

/**
 * Holds a fetched snapshot against its manifest: every row, every file is read again. Nothing is believed that only
 * stands there.
 * @param tenant whose it has to be
 */
export async function verify(folder: string, tenant: string, signal?: AbortSignal): Promise<Verdict> {
  const manifest = await readManifest(folder);
  if (typeof manifest === "string") return { problems: [manifest] };
  const problems = [
    ...(manifest.tenant === tenant ? [] : [`it is a backup of ${manifest.tenant}, not of ${tenant}`]),
    ...(await databaseProblems(folder, manifest, signal)),
    ...(await fileProblems(folder, manifest.files)),
  ];
  if (problems.length > 0) return { problems };
  return { verified: verifiedOf(manifest) };
}

function verifiedOf({ tenant, openWebui, takenAt, database, files }: BackupManifest): Verified {
  const tables = Object.values(database.tables);
  return {
    ...{ tenant, openWebui, takenAt, tables: tables.length, files: files.count },
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: database.bytes + files.bytes,
  };
}

/**
 * Holds a Postgres into which the dump of a fetched backup was restored against its manifest: every row is added up again.
 * @param url of the database, whose schema in use is the restored one
 */
export async function verifyRestored(folder: string, url: string): Promise<Verdict> {
  const manifest = await readManifest(folder);
  if (typeof manifest === "string") return { problems: [manifest] };
  if (manifest.format === 1) return { problems: ["it is a backup of an SQLite file, not of a Postgres"] };
  const client = await openForSums(url);
  try {
    const tables = new Map(Object.entries(await postgresSums(client)));
    const problems = tableProblems(manifest.database.tables, { tables, damage: [] });
    return problems.length > 0 ? { problems } : { verified: verifiedOf(manifest) };
  } finally {
    await client.end();
  }
}

/** The manifest of a snapshot in a folder, or why there is none to believe. */
export async function readManifest(folder: string): Promise<BackupManifest | string> {
  const path = join(folder, "manifest.json");
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isFile()) return "manifest.json is missing: it is no whole backup";
  if (found.size > LONGEST_MANIFEST) return `manifest.json has ${found.size} bytes, more than any`;
  let said: unknown;
  try {
    said = JSON.parse(await readFile(path, "utf8"));
  } catch {
    return "manifest.json is no JSON: it was cut off or damaged";
  }
  const { format } = z.object({ format: z.unknown() }).safeParse(said).data ?? {};
  if (typeof format === "number" && format > LATEST_FORMAT)
    return `it has format ${format}, which a later version of this program made: use that one`;
  const parsed = BackupManifest.safeParse(said);
  if (parsed.success) return parsed.data;
  return `manifest.json does not say what a backup holds: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`;
}

/** A dump is compared byte by byte; its rows are added up where it is restored ({@link verifyRestored}). */
async function databaseProblems(
  folder: string,
  manifest: BackupManifest,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const { database: expected } = manifest;
  const name = databaseFile(manifest);
  const path = join(folder, name);
  const found = await lstat(path).catch(() => undefined);
  if (!found) return [`${name} is missing`];
  if (!found.isFile()) return [`${name} is no regular file`];
  const { bytes, sha256 } = await fileDigest(path);
  const file =
    bytes !== expected.bytes
      ? [`${name} has ${bytes} bytes instead of ${expected.bytes}`]
      : sha256 !== expected.sha256
        ? [`${name} has other content than was backed up`]
        : [];
  if (manifest.format === 2) return file;
  try {
    return [...file, ...tableProblems(expected.tables, await databaseSums(path, signal))];
  } catch (error) {
    if (!(error instanceof DatabaseUnreadableError)) throw error;
    return [...file, `${name} cannot be read: ${error.message}`];
  }
}

/** What differs between the tables a manifest names and those that are there; pure. */
export function tableProblems(
  expected: BackupManifest["database"]["tables"],
  { tables, damage }: DatabaseSums,
): string[] {
  const different: string[] = [];
  for (const [name, { rows, sum }] of Object.entries(expected)) {
    const found = tables.get(name);
    if (!found) different.push(`table ${name} is missing, with its ${rows} rows`);
    else if (found.rows !== rows) different.push(`table ${name} has ${found.rows} rows instead of ${rows}`);
    else if (found.sum !== sum) different.push(`table ${name} has ${rows} rows of other content`);
  }
  for (const name of tables.keys())
    if (!Object.hasOwn(expected, name)) different.push(`table ${name} is not in the manifest`);
  return [...few(different, "tables"), ...damage.map((line) => `SQLite finds in webui.db: ${line}`)];
}

async function fileProblems(folder: string, expected: BackupManifest["files"]): Promise<string[]> {
  const { files, others } = await fileTree(folder, ["data", "config"]);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const strange = others.map((path) => `${shown(path)} is neither a file nor a directory`);
  const problems = few(strange, "files");
  if (filesDigest(files) === expected.sha256) return problems;
  const held = `data and config hold ${files.length} files of ${bytes} bytes`;
  if (files.length === expected.count && bytes === expected.bytes)
    return [
      ...problems,
      `${held}, as many as were backed up, and the content or the name of some is another`,
    ];
  return [...problems, `${held} instead of ${expected.count} of ${expected.bytes}`];
}

const few = (all: readonly string[], what: string): string[] =>
  all.length > NAMED ? [...all.slice(0, NAMED), `and ${all.length - NAMED} ${what} more`] : [...all];
