import { resolve } from "node:path";
import { authorityProblems, readAuthority } from "./fleet-config/authority.ts";
import { conflictsOf } from "./fleet-config/conflicts-entry.ts";
import { draftOf } from "./fleet-config/draft.ts";
import { hostSpecOf } from "./fleet-config/host-spec.ts";
import { problemsOf } from "./fleet-config/issue.ts";
import { missingLogos } from "./fleet-config/logo-file.ts";
import type { BrandingSpec, Certifier, Fleet, HostSpec, TenantSpec } from "./fleet-config/model.ts";
import { bridgeOf, portOf, subnetOf } from "./fleet-config/placement.ts";
import { plainTextSecrets } from "./fleet-config/plain-text.ts";
import { FleetConfigError } from "./fleet-config/problem.ts";
import { rules } from "./fleet-config/rules.ts";
import { type StackConfig, stackSchema } from "./fleet-config/schema.ts";
import { defaultVersion } from "./fleet-config/tenant-entry.ts";

export type * from "./fleet-config/model.ts";
export { FleetConfigError, type Problem } from "./fleet-config/problem.ts";
export { stackConfig } from "./fleet-config/stack-config.ts";

/** Folders the config's relative paths and defaults start from; both absolute. */
export interface Whereabouts {
  /** The checkout: logos are named from here, and the stack's file is looked at here. */
  repository: string;
  /** Where a local host keeps its data unless it says otherwise. */
  dataHome: string;
}

/**
 * Parses a stack's config, all of it, once. `raw` is what {@link stackConfig} returns.
 *
 * @throws {@link FleetConfigError} with every problem there is, before anything is declared.
 */
export function parseFleet(stack: string, raw: Record<string, unknown>, where: Whereabouts): Fleet {
  const parsed = stackSchema.safeParse(raw);
  const draft = draftOf(stack, raw);
  const problems = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => problemsOf(issue, stackSchema, raw)),
    ...rules.flatMap((rule) => rule.problems(draft)),
    ...missingLogos(draft, where.repository),
    ...authorityProblems(draft, where.repository),
    ...plainTextSecrets(stack, where.repository),
  ];
  if (!parsed.success || problems.length > 0) throw new FleetConfigError(stack, problems);
  return fleetOf(stack, parsed.data, where);
}

/** The model of a config that is right: defaults that depend on the place or on a name are filled in. */
function fleetOf(stack: string, config: StackConfig, where: Whereabouts): Fleet {
  const {
    running,
    certificates,
    monitoring,
    operators,
    dns,
    acme,
    backups,
    sync: { conflicts, direction, database, ...sync },
  } = config;
  const hosts = Object.entries(config.hosts).map(([id, entry]) => hostSpecOf(stack, id, entry, where));
  return {
    stack,
    running,
    certificates,
    hosts,
    operators,
    ...(acme ? { acme } : {}),
    ...(backups ? { backups } : {}),
    dns: dns.kind === "cloudflare" ? { kind: dns.kind, zones: dns.zones } : { kind: "manual" },
    tenants: Object.entries(config.tenants).map(([id, entry]) => ({
      ...tenantOf(stack, id, entry, where.repository),
      ...certifierOf(
        hosts.find(({ id }) => id === entry.host),
        entry,
        acme !== undefined,
      ),
      sync: {
        ...entry.sync,
        direction: entry.sync.direction ?? direction,
        conflicts: conflictsOf(conflicts, entry.sync.conflicts),
      },
    })),
    sync: {
      ...sync,
      database:
        database.kind === "embedded"
          ? database
          : { ...database, ca: readAuthority(database.ca, where.repository) },
      nodes: Object.entries(sync.nodes).map(([id, { port, host = sync.host }]) => ({ id, host, port })),
      readers: Object.entries(sync.readers).map(([id, reader]) => ({ id, ...reader })),
    },
    monitoring,
  };
}

/** Who certifies a tenant's site; nobody where its host offers no TLS. */
const certifierOf = (
  host: HostSpec | undefined,
  { proxied, certificate }: Pick<StackConfig["tenants"][string], "proxied" | "certificate">,
  acme: boolean,
): { certificate?: Certifier } => {
  if (!host?.https) return {};
  if (proxied) return { certificate: "origin-ca" };
  return { certificate: certificate ?? (acme && host.kind !== "local" ? "acme" : "self-signed") };
};

function tenantOf(
  stack: string,
  id: string,
  entry: StackConfig["tenants"][string],
  repository: string,
): Omit<TenantSpec, "sync" | "certificate"> {
  const { version, sync: _, certificate: __, ...given } = entry;
  return {
    ...given,
    id,
    image: entry.image ?? `ghcr.io/open-webui/open-webui:${version ?? defaultVersion}`,
    port: entry.port ?? portOf(stack, id),
    subnet: entry.subnet ?? subnetOf(stack, id),
    bridge: bridgeOf(stack, id),
    branding: entry.branding && brandingOf(entry.branding, repository),
  };
}

const brandingOf = (branding: BrandingSpec, repository: string): BrandingSpec => ({
  ...branding,
  logo: resolve(repository, branding.logo),
});
