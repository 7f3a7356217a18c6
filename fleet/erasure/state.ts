import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Connection } from "../../sync-runtime/database/connection.ts";
import { type Backend, stateFolder } from "../../toolchain/setup/backend.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { exportState, project } from "../../toolchain/setup/stack-state.ts";

/** A resource of a stack's state, as far as it is looked at. */
export interface StateResource {
  urn: string;
  type: string;
  parent?: string;
  inputs?: Record<string, unknown>;
}

const nameOf = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);

/** URNs of what a state holds of a tenant: its component with all below it, and what is named for it elsewhere. Pure. */
export function stateOfTenant(resources: readonly StateResource[], tenant: string): string[] {
  const own = new Set<string>();
  for (const { urn, type, parent } of resources) {
    const component = type === "owui:fleet:Tenant" && nameOf(urn) === tenant;
    const name = nameOf(urn);
    const named = name === `${tenant}-backup-password` || name.endsWith(`-readers-of-${tenant}`);
    if (component || named || (parent !== undefined && own.has(parent))) own.add(urn);
  }
  return [...own];
}

/** A stack's resources; `flags` as for `pulumi stack export`. */
export async function resourcesOf(
  stack: string,
  backend: Backend,
  flags: readonly string[] = [],
): Promise<StateResource[]> {
  const text = await exportState(stack, backend, flags);
  return text === undefined ? [] : (JSON.parse(text).deployment?.resources ?? []);
}

/** A value as `--show-secrets` exports it: as it is, or the JSON of a secret. */
function plain(value: unknown): unknown {
  const secret = value as { plaintext?: string } | undefined;
  return typeof secret?.plaintext === "string" ? JSON.parse(secret.plaintext) : value;
}

/**
 * Who administers the database of the replicas: what the stack's own provider signs in as. Nothing else knows it, no node
 * and no output, so it is read out of the state when it is needed.
 * @param replicas how the same database is reached from here as the cluster
 */
export function administrator(resources: readonly StateResource[], replicas: Connection): Connection {
  const providers = resources.filter(({ type }) => type === "pulumi:providers:postgresql");
  for (const { inputs } of providers) {
    const [user, password] = [plain(inputs?.username), plain(inputs?.password)];
    if (typeof user === "string" && typeof password === "string") return { ...replicas, user, password };
  }
  throw new CommandError(
    "the state does not say who administers the database: run `npm run up`, then go on with this",
  );
}

/**
 * Files of older states, and of what was configured when they were made, in the folder that Pulumi keeps them in, that still
 * name a tenant: with them go its keys and its entry as they were. Only where the state lies in files of this machine.
 */
export async function olderStates(stack: string, tenant: string, folder = stateFolder): Promise<string[]> {
  const kept = join(folder, ".pulumi");
  const places = ["history", "backups"].map((place) => join(kept, place, project, stack));
  const files = (await Promise.all(places.map(filesIn))).flat();
  files.push(...(await filesIn(join(kept, "stacks", project))).filter((file) => isBackupOf(file, stack)));
  const named: string[] = [];
  for (const file of files) if (mentions(await readFile(file, "utf8"), tenant)) named.push(file);
  return named;
}

/** Removes them; answers how many went. */
export async function removeOlderStates(files: readonly string[]): Promise<number> {
  for (const file of files) await rm(file, { force: true });
  return files.length;
}

const mentions = (text: string, tenant: string): boolean =>
  [`owui:fleet:Tenant::${tenant}"`, `-readers-of-${tenant}"`, `::${tenant}-backup-password"`].some((name) =>
    text.includes(name),
  ) || isListed(text, tenant);

/** A file of Pulumi's, as far as it is looked at: a state, or the record of an update. */
interface StateFile {
  checkpoint?: { latest?: { resources?: { type: string; outputs?: Record<string, unknown> }[] } };
  config?: Record<string, unknown>;
}

/**
 * Whether the config of then had an entry of the tenant, or the outputs of the `up` before have its passwords: a state that
 * was kept in the middle of an `up` has those longer than its resources.
 */
function isListed(text: string, tenant: string): boolean {
  let file: StateFile;
  try {
    file = JSON.parse(text);
  } catch {
    return false;
  }
  const stack = file.checkpoint?.latest?.resources?.find(({ type }) => type === "pulumi:pulumi:Stack");
  const lists = [
    file.config?.[`${project}:tenants`],
    stack?.outputs?.tenants,
    stack?.outputs?.backupPasswords,
  ];
  return lists.some((list) => Object.hasOwn(Object(list), tenant));
}

const isBackupOf = (file: string, stack: string): boolean =>
  [`${stack}.json.bak`, `${stack}.json.gz.bak`].some((name) => file.endsWith(`/${name}`));

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
