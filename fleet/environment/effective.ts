import type { TenantSpec } from "../../components/fleet-config.ts";
import { openEnvironment, secretEnvironment } from "../../components/tenant/environment.ts";

/** A variable of a tenant's container, and why it has its value. */
export interface EffectiveVariable {
  name: string;
  /** Null: it is a secret. */
  value: string | null;
  /** `config: environment` and its like: the field that says so; `fleet`: this program's own. */
  origin: string;
}

/** Fields of a tenant's entry that variables come from; all others are the fleet's own. */
const fields: Record<string, string> = {
  CORS_ALLOW_ORIGIN: "config: domain",
  ENABLE_OPENAI_API: "config: connections",
  ENABLE_PERSISTENT_CONFIG: "config: persistSettings",
  OPENAI_API_BASE_URLS: "config: connections",
  OPENAI_API_KEYS: "config: connections",
  WEBUI_NAME: "config: branding.name",
  WEBUI_URL: "config: domain",
};

/**
 * What a tenant's container is told, by name.
 * @param written the entry's `environment` as it stands in the file: `{secure: …}` is a secret
 */
export function effectiveVariables(
  spec: TenantSpec,
  url: string,
  written: Readonly<Record<string, unknown>>,
): EffectiveVariable[] {
  const open = openEnvironment(spec, url).map((line) => line.split(/=(.*)/s) as [string, string]);
  const { database: _, ...others } = spec;
  const hidden = secretEnvironment({ ...others, environment: {} }).split("=")[0] ?? "";
  const variables = new Map<string, EffectiveVariable>(
    open.map(([name, value]) => [name, { name, value, origin: fields[name] ?? "fleet" }]),
  );
  if (spec.connections.some(({ key }) => key !== ""))
    variables.set(hidden, { name: hidden, value: null, origin: fields[hidden] ?? "fleet" });
  if (spec.database)
    variables.set("DATABASE_URL", { name: "DATABASE_URL", value: null, origin: "config: database" });
  for (const [name, value] of Object.entries(written))
    variables.set(name, {
      name,
      value: typeof value === "string" ? value : null,
      origin: "config: environment",
    });
  return [...variables.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
