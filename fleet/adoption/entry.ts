import type { Edit } from "../config-edit/edit.ts";
import type { Encrypted } from "../environment/encrypt.ts";
import type { Carried } from "./carried.ts";

/** What a tenant's entry says before its data is there. */
export interface WantedEntry {
  tenant: string;
  host: string;
  domain: string;
  /** Full reference; the one that `version` stands for is written as that. */
  image: string;
  admin: { email: string; name: string };
  /** Whether settings that admins made inside the application are in its database. */
  settings: boolean;
}

const upstream = /^ghcr\.io\/open-webui\/open-webui:(v\d+\.\d+\.\d+(?:-[a-z0-9.]+)?)$/;

/**
 * The entry as it is written first: stopped and not synced, since there is nothing yet.
 * @param encrypt makes a secret of a value, for a place below the entry
 */
export async function entryEdits(
  { tenant, host, domain, image, admin, settings }: WantedEntry,
  carried: Carried,
  encrypt: (path: readonly string[], value: string) => Promise<Encrypted>,
): Promise<{ edits: Edit[]; salt: string | undefined }> {
  const [, version] = upstream.exec(image) ?? [];
  let salt: string | undefined;
  const secret = async (name: string, value: string) => {
    const made = await encrypt(["tenants", tenant, "environment", name], value);
    salt = made.salt ?? salt;
    return made.value;
  };
  const environment: Record<string, unknown> = {};
  for (const { name, value, secret: hidden } of carried.environment)
    environment[name] = hidden ? await secret(name, value) : value;
  const connections: unknown[] = [];
  for (const { url, key } of carried.connections)
    connections.push({ url, ...(key === "" ? {} : { key: await secret("OPENAI_API_KEY", key) }) });
  const entry = {
    ...{ host, domain, running: false },
    ...(version === undefined ? { image } : { version }),
    admin,
    // What its admins set goes on to count; an entry that says false would begin with Open WebUI's own settings.
    ...(settings ? { persistSettings: true } : {}),
    ...(connections.length > 0 ? { connections } : {}),
    ...(carried.endpoints.length > 0 ? { privateEndpoints: carried.endpoints } : {}),
    ...(Object.keys(environment).length > 0 ? { environment } : {}),
    sync: { paused: true },
  };
  return { edits: [{ path: ["tenants", tenant], value: entry }], salt };
}

/** Lets it run, once its data is in place. */
export const servingEdits = (tenant: string): Edit[] => [
  { path: ["tenants", tenant, "running"], value: undefined },
  { path: ["tenants", tenant, "sync", "paused"], value: undefined },
];

/** Stops it again. */
export const stoppedEdits = (tenant: string): Edit[] => [
  { path: ["tenants", tenant, "running"], value: false },
  { path: ["tenants", tenant, "sync", "paused"], value: true },
];

/** Takes the entry out. What was the tenant's stays on its host. */
export const removalEdits = (tenant: string): Edit[] => [{ path: ["tenants", tenant], value: undefined }];
