import type { Draft } from "./draft.ts";
import { freePort, portOf, tenantPorts } from "./placement.ts";
import type { Problem } from "./problem.ts";

/** A port somebody on a host listens on. */
interface Claim {
  host: string;
  port: number;
  path: string;
  /** The port follows from a tenant's name instead of standing in the config. */
  derived?: boolean;
}

/** Every port can be had once a host; who comes later in the config gives way. */
export function portClashes(draft: Draft): Problem[] {
  const claims = [...hostClaims(draft), ...syncClaims(draft), ...tenantClaims(draft)];
  return claims.flatMap((claim, index) => {
    const earlier = claims
      .slice(0, index)
      .find(({ host, port }) => host === claim.host && port === claim.port);
    if (!earlier) return [];
    const taken = new Set(claims.filter(({ host }) => host === claim.host).map(({ port }) => port));
    const wanted = Math.max(claim.port + 1, tenantPorts.first);
    return [
      {
        path: claim.path,
        found: `${claim.port}${claim.derived ? " (from the tenant's name)" : ""}, which ${earlier.path} already has on host "${claim.host}"`,
        remedy: `set ${claim.path} to ${freePort(wanted, taken)}, which is free there`,
      },
    ];
  });
}

const hostClaims = (draft: Draft): Claim[] =>
  draft.hosts.flatMap(({ id, http, agentPort }) => [
    ...claim(id, `hosts.${id}.http.port`, http?.port),
    ...claim(id, `hosts.${id}.agentPort`, agentPort),
  ]);

const syncClaims = ({ sync, nodes }: Draft): Claim[] => [
  ...claim(sync.host, "sync.database.port", sync.database?.port),
  ...nodes.flatMap(({ id, port }) => claim(sync.host, `sync.nodes.${id}.port`, port)),
];

/** Explicit ports first: they win over those that follow from a name. */
const tenantClaims = ({ tenants }: Draft): Claim[] =>
  tenants
    .filter((tenant) => "port" in tenant)
    .flatMap(({ id, host, port }) =>
      claim(host, `tenants.${id}.port`, port ?? portOf(id), port === undefined),
    )
    .sort((a, b) => Number(a.derived) - Number(b.derived));

const claim = (host: string | undefined, path: string, port: number | undefined, derived = false): Claim[] =>
  host === undefined || port === undefined ? [] : [{ host, port, path, derived }];
