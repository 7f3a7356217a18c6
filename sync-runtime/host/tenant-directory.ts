import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Identity } from "../protocol/message.ts";
import { readHead } from "./regular-file.ts";
import { TenantError } from "./tenant-error.ts";

const IDENTITY_FILE = ".owui-identity.json";
const MAX_IDENTITY_BYTES = 4096;
const TENANT_ID = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

/** Where the tenants of a host lie: `<root>/<tenant>/data`, mounted read-only. */
export class TenantDirectory {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Ids of the tenants that have a data directory, sorted. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#root);
    const found = await Promise.all(names.map(async (id) => ((await this.find(id)) ? id : undefined)));
    return found.filter((id) => id !== undefined).sort();
  }

  /** One tenant's data directory; undefined when this host has no such tenant. */
  async find(id: string): Promise<string | undefined> {
    if (!TENANT_ID.test(id)) return undefined;
    const directory = join(this.#root, id, "data");
    const stat = await lstat(directory).catch(() => undefined);
    return stat?.isDirectory() ? directory : undefined;
  }
}

/** The database file in a tenant's data directory. */
export const databasePath = (directory: string): string => join(directory, "webui.db");

/** The file in a tenant's data directory that says whose data it is. */
export const identityPath = (directory: string): string => join(directory, IDENTITY_FILE);

/**
 * Reads which tenant's data a directory holds. The file is written with the directory; without it the directory is
 * an unmounted volume or somebody else's.
 */
export async function readIdentity(directory: string, tenant: string): Promise<Identity> {
  const path = identityPath(directory);
  const head = await readHead(path, MAX_IDENTITY_BYTES);
  if (!head)
    throw new TenantError("identity-missing", `${path} does not exist; nothing shows whose data this is.`);
  const identity = parseIdentity(head.bytes);
  if (!identity) throw new TenantError("identity-invalid", `${path} is not an identity file.`);
  if (identity.tenant !== tenant)
    throw new TenantError(
      "identity-invalid",
      `${path} names another tenant than ${tenant}: the data is not its own.`,
    );
  return identity;
}

function parseIdentity(bytes: Buffer): Identity | undefined {
  try {
    return Identity.parse(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}
