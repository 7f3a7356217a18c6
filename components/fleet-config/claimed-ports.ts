import { type Claim, clashes, explicitFirst } from "./claim.ts";
import type { Draft } from "./draft.ts";
import { listenOf } from "./host-spec.ts";
import { anyPort, nextPort, portOf, tenantPorts } from "./placement.ts";
import type { Problem } from "./problem.ts";

/** Every port can be had once a host: by the host itself, by the sync pair, its database and its monitoring, by a tenant. */
export const portClashes = (draft: Draft): Problem[] =>
  clashes(
    [...hostPorts(draft), ...syncPorts(draft), ...monitoringPorts(draft), ...tenantClaims(draft)],
    ({ path }, port) => nextPort(port, path.startsWith("tenants.") ? tenantPorts : anyPort),
  );

const hostPorts = ({ hosts, tenants, sync }: Draft): Claim<number>[] =>
  hosts.flatMap(({ id, kind, http, https, agentPort, writerPort }) => [
    ...(kind === "local" ? claim(id, `hosts.${id}.http.port`, http?.port ?? listenOf("local").port) : []),
    ...(kind === "local" ? claim(id, `hosts.${id}.https.port`, https?.port) : []),
    ...claim(id, `hosts.${id}.agentPort`, agentPort),
    // On this machine nodes reach it by a network of their own.
    ...(kind !== "local" && tenants.some((tenant) => tenant.host === id && isWritten(tenant, sync))
      ? claim(id, `hosts.${id}.writerPort`, writerPort)
      : []),
  ]);

const isWritten = ({ sync: own }: Draft["tenants"][number], sync: Draft["sync"]): boolean =>
  (own?.direction ?? sync.direction) === "both";

const syncPorts = ({ sync, nodes }: Draft): Claim<number>[] => [
  ...(sync.database?.kind === "embedded" ? claim(sync.host, "sync.database.port", sync.database.port) : []),
  ...nodes.flatMap(({ id, host = sync.host, port }) => claim(host, `sync.nodes.${id}.port`, port)),
];

const monitoringPorts = ({
  sync,
  monitoring: { enabled, prometheus, alertmanager },
}: Draft): Claim<number>[] =>
  enabled === false
    ? []
    : [
        ...claim(sync.host, "monitoring.prometheus.port", prometheus?.port),
        ...claim(sync.host, "monitoring.alertmanager.port", alertmanager?.port),
      ];

const claim = (host: string | undefined, path: string, port: number | undefined): Claim<number>[] =>
  port === undefined ? [] : [{ host, path, value: port }];

/** A tenant whose port is there but wrong claims none. */
const tenantClaims = ({ stack, tenants }: Draft): Claim<number>[] =>
  explicitFirst(
    tenants
      .filter((tenant) => "port" in tenant)
      .map(({ id, host, port }) => ({
        host,
        path: `tenants.${id}.port`,
        value: port ?? portOf(stack, id),
        derived: port === undefined,
      })),
  );
