import type { TenantDatabaseSpec, TenantSpec } from "../fleet-config.ts";
import { quote } from "../host/shell.ts";

/** Where a tenant's container finds {@link secretEnvironment}. */
export const environmentFile = "/run/fleet/environment";

/**
 * Starts Open WebUI as its image does, after reading the variables that `docker inspect` must not show.
 * Upstream's command is `bash start.sh` in every version.
 */
export const startCommand: string[] = [
  "bash",
  "-c",
  `set -a; . ${environmentFile}; set +a; exec bash start.sh`,
];

/**
 * The same for a trial beside what serves. It works on a copy of the SQLite file whatever the tenant works on: a version
 * that is only tried must not migrate a database that serves.
 */
export const trialCommand = `set -a; . ${environmentFile}; DATABASE_URL=sqlite:////app/backend/data/webui.db; set +a; exec bash start.sh`;

/** Where a tenant's application works on a Postgres: as its driver takes it, password and all. */
export function databaseUrl({ url, password }: Pick<TenantDatabaseSpec, "url" | "password">): string {
  const whole = new URL(url);
  whole.password = encodeURIComponent(password);
  return whole.href;
}

/** What the container says openly: `NAME=value`, sorted as the provider keeps them. */
export function openEnvironment(spec: TenantSpec, url: string): string[] {
  const variables: Record<string, string> = {
    CORS_ALLOW_ORIGIN: url,
    DATABASE_ENABLE_SQLITE_WAL: "True",
    DEFAULT_USER_ROLE: "pending",
    // Versions differ in whether the first account needs it while sign-up is closed; once it exists, none do.
    ENABLE_INITIAL_ADMIN_SIGNUP: "True",
    ENABLE_OLLAMA_API: "False",
    ENABLE_OPENAI_API: spec.connections.length > 0 ? "True" : "False",
    ENABLE_PERSISTENT_CONFIG: spec.persistSettings ? "True" : "False",
    ENABLE_SIGNUP: "False",
    OFFLINE_MODE: "true",
    OPENAI_API_BASE_URLS: spec.connections.map((connection) => connection.url).join(";"),
    // The default limit of memory does not carry an embedding model inside the container.
    RAG_EMBEDDING_ENGINE: "openai",
    ...(spec.branding?.name === undefined ? {} : { WEBUI_NAME: spec.branding.name }),
    WEBUI_URL: url,
  };
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .sort();
}

/**
 * Text of the root-only file with what may be secret: keys of the connections, a Postgres with its password, and everything
 * the operator set, which wins over the open variables. Shell syntax, sourced by {@link startCommand}.
 */
export function secretEnvironment({ connections, database, environment }: TenantSpec): string {
  const keys = connections.map(({ key }) => key).join(";");
  const own = database ? { DATABASE_URL: databaseUrl(database) } : {};
  return Object.entries({ OPENAI_API_KEYS: keys, ...own, ...environment })
    .map(([name, value]) => `${name}=${quote(value)}\n`)
    .join("");
}
