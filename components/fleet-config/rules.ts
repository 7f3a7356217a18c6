import { unfitCertificates } from "./certifier.ts";
import { portClashes } from "./claimed-ports.ts";
import { endpointsInTenantNetworks, subnetClashes } from "./claimed-subnets.ts";
import { zoneOf } from "./dns-entry.ts";
import type { Draft } from "./draft.ts";
import { memoryOf } from "./droplet-size.ts";
import {
  embeddedIsLocal,
  fieldsFitKind,
  localStandsAlone,
  machinesAreDifferent,
  operatorsReachHosts,
} from "./host-kinds.ts";
import { unfitNames } from "./label.ts";
import { nearest } from "./nearest.ts";
import { isPrivate } from "./network-address.ts";
import type { Problem } from "./problem.ts";
import { formatSize } from "./size.ts";

/** Percentage of a host's memory that tenants may reserve; the rest stays free for everything else. */
const reservablePercent = 70;

/** A rule across entries: what one entry must hold because of another one. */
interface Rule {
  /** As docs/configuration.md states it. */
  says: string;
  problems(draft: Draft): Problem[];
}

/** Every rule; none stops another from being looked at. */
export const rules: readonly Rule[] = [
  {
    says: "Names of hosts, tenants, nodes, readers, the cluster and the stack are DNS labels: at most 40 lower-case letters, digits and inner hyphens.",
    problems: unfitNames,
  },
  { says: "A host has the fields of its kind, and no other kind's.", problems: fieldsFitKind },
  {
    says: "A machine is one host: there is at most one of kind `local`, since that is this machine, and an address of kind `ssh` belongs to one.",
    problems: machinesAreDifferent,
  },
  { says: "A host of kind `local` stands beside no host of another kind.", problems: localStandsAlone },
  {
    says: "With hosts of kinds other than `local`, `operators` says who signs in, and from where.",
    problems: operatorsReachHosts,
  },
  { says: "An embedded database has a control host of kind `local`.", problems: embeddedIsLocal },
  { says: "Every `host` names an entry of `hosts`.", problems: hostsExist },
  { says: "A reader reads tenants of the stack.", problems: readTenantsExist },
  { says: "`image` and `version` of a tenant exclude each other.", problems: oneImage },
  { says: "`restore` and `fresh: true` of a tenant exclude each other.", problems: oneBeginning },
  {
    says: "A domain belongs to one tenant, former ones included; capital letters make no difference.",
    problems: domainsAreUnique,
  },
  {
    says: "A proxied tenant has a host of another kind than `local`, and all its names lie in `dns.zones` of kind `cloudflare`.",
    problems: proxiedNamesLieInZones,
  },
  {
    says: "`certificate` of a tenant stands where its site is certified so: `acme` with the stack's `acme` and a host of another kind than `local`; neither on a proxied tenant, nor on a host without `https`.",
    problems: unfitCertificates,
  },
  {
    says: "A port on a host is had once: by nginx, the agent, the nodes, the database, the monitoring or a tenant, whether it stands in the config or follows from a tenant's name.",
    problems: portClashes,
  },
  { says: "A subnet on a host is had by one tenant.", problems: subnetClashes },
  { says: "A private endpoint lies in no other tenant's network.", problems: endpointsInTenantNetworks },
  {
    says: "A connection to a private address is listed in `privateEndpoints` too.",
    problems: privateConnectionsAreExcepted,
  },
  {
    says: "A tenant with a `database` of its own is synced one way: what is written into its replica reaches no Postgres.",
    problems: postgresIsNotWritten,
  },
  {
    says: `Tenants of a host whose memory is known, because the entry or a droplet's size says it, reserve at most ${reservablePercent} % of it, stopped ones included.`,
    problems: reservationsFit,
  },
];

/** That there is no host at all is the schema's to say, once. */
function hostsExist({ hosts, tenants, sync, nodes }: Draft): Problem[] {
  if (hosts.length === 0) return [];
  const known = hosts.map(({ id }) => id);
  const references = [
    ...tenants.map(({ id, host }) => ({ path: `tenants.${id}.host`, host })),
    { path: "sync.host", host: sync.host },
    ...nodes.map(({ id, host }) => ({ path: `sync.nodes.${id}.host`, host })),
  ];
  return references.flatMap(({ path, host }) =>
    host === undefined || known.includes(host) ? [] : [unknownHost(path, host, known)],
  );
}

function unknownHost(path: string, host: string, known: string[]): Problem {
  const meant = nearest(host, known);
  return {
    path,
    found: `"${host}", which is no host of this stack`,
    remedy: `${meant ? `write ${meant}, if that was meant, or declare` : "declare"} hosts.${host}; declared are: ${known.join(", ")}`,
  };
}

function readTenantsExist({ tenants, readers }: Draft): Problem[] {
  const known = tenants.map(({ id }) => id);
  return readers.flatMap(({ id, tenants: read }) =>
    (read ?? []).flatMap((tenant, index) => {
      if (known.includes(tenant)) return [];
      const meant = nearest(tenant, known);
      return [
        {
          path: `sync.readers.${id}.tenants[${index}]`,
          found: `"${tenant}", which is no tenant of this stack`,
          remedy: `${meant ? `write ${meant}, if that was meant, or remove it` : "remove it"}; declared are: ${known.join(", ")}`,
        },
      ];
    }),
  );
}

function oneImage({ tenants }: Draft): Problem[] {
  return tenants.flatMap(({ id, image, version }) =>
    image === undefined || version === undefined
      ? []
      : [
          {
            path: `tenants.${id}.image`,
            found: `"${image}" beside version "${version}"`,
            remedy: "keep one of the two: an image's reference says the version too",
          },
        ],
  );
}

function oneBeginning({ tenants }: Draft): Problem[] {
  return tenants.flatMap(({ id, restore, fresh }) =>
    restore === undefined || !fresh
      ? []
      : [
          {
            path: `tenants.${id}.fresh`,
            found: `true beside restore: ${restore}`,
            remedy: "keep one of the two: either the replica's rows come back, or the tenant starts empty",
          },
        ],
  );
}

function domainsAreUnique({ tenants }: Draft): Problem[] {
  const owners = new Map<string, string>();
  const claims = tenants.flatMap(({ id, domain, formerDomains = [] }) => [
    { id, path: `tenants.${id}.domain`, domain },
    ...formerDomains.map(({ domain }, index) => ({
      ...{ id, path: `tenants.${id}.formerDomains[${index}].domain`, domain },
    })),
  ]);
  return claims.flatMap(({ id, path, domain }) => {
    if (domain === undefined) return [];
    const owner = owners.get(domain);
    if (owner === undefined) {
      owners.set(domain, id);
      return [];
    }
    return [
      {
        path,
        found: `"${domain}", which tenants.${owner} already has`,
        remedy: "give each tenant a domain of its own; capital letters make no difference",
      },
    ];
  });
}

/** Nothing stands in front of a name that Cloudflare does not hold, nor of an address that it cannot reach. */
function proxiedNamesLieInZones({ tenants, hosts, dns }: Draft): Problem[] {
  const zones = dns.kind === "cloudflare" ? (dns.zones ?? []) : [];
  return tenants.flatMap(({ id, host, proxied, domain, formerDomains = [] }) => {
    if (!proxied) return [];
    const names = [
      { path: `tenants.${id}.domain`, name: domain },
      ...formerDomains.map(({ domain }, index) => ({
        ...{ path: `tenants.${id}.formerDomains[${index}].domain`, name: domain },
      })),
    ];
    const local = hosts.some((entry) => entry.id === host && entry.kind === "local");
    return [
      ...(local
        ? [
            {
              path: `tenants.${id}.proxied`,
              found: `true on host "${host}", which is of kind local: Cloudflare cannot reach it`,
              remedy: "leave proxied out, or move the tenant to a host of kind ssh or digitalocean",
            },
          ]
        : []),
      ...names.flatMap(({ path, name }) =>
        name === undefined || zoneOf(name, zones)
          ? []
          : [
              {
                path,
                found: `"${name}" of a proxied tenant, which lies in no zone of dns.zones`,
                remedy: `write dns: { kind: cloudflare, zones: [...] } with the zone it lies in, or leave tenants.${id}.proxied out`,
              },
            ],
      ),
    ];
  });
}

/** A connection to a private address would time out silently: the tenant's network refuses it. */
function privateConnectionsAreExcepted({ tenants }: Draft): Problem[] {
  return tenants.flatMap(({ id, connections = [], privateEndpoints }) =>
    connections.flatMap(({ url }, index) => {
      const { hostname, port, protocol } = new URL(url);
      const endpoint = { address: hostname, port: Number(port || (protocol === "https:" ? 443 : 80)) };
      const excepted = privateEndpoints?.some(
        ({ address, port }) => address === endpoint.address && port === endpoint.port,
      );
      if (privateEndpoints === undefined || excepted || !isPrivate(hostname)) return [];
      return [
        {
          path: `tenants.${id}.connections[${index}].url`,
          found: "a private address, which tenants cannot reach",
          remedy: `add "${endpoint.address}:${endpoint.port}" to tenants.${id}.privateEndpoints`,
        },
      ];
    }),
  );
}

/** What would be synced back is the SQLite file of before. */
function postgresIsNotWritten({ tenants, sync }: Draft): Problem[] {
  return tenants.flatMap(({ id, database, sync: own }) => {
    if (!database) return [];
    const path = `tenants.${id}.database`;
    return [
      ...((own?.direction ?? sync.direction) === "both"
        ? [
            {
              path,
              found: "a Postgres, beside direction: both",
              remedy: `set tenants.${id}.sync.direction: one-way; edits of a replica reach a SQLite file only`,
            },
          ]
        : []),
    ];
  });
}

/** Stopped tenants count too, so that starting one is never what breaks a host. */
function reservationsFit({ hosts, tenants }: Draft): Problem[] {
  return hosts.flatMap(({ id, size, memory: given }) => {
    const memory = given ?? memoryOf(size);
    const reservations = tenants
      .filter(({ host }) => host === id)
      .map((tenant) => tenant.memory?.reserved ?? 0);
    const reserved = reservations.reduce((sum, bytes) => sum + bytes, 0);
    if (memory === undefined || reserved * 100 <= memory * reservablePercent) return [];
    const needed = formatSize(Math.ceil((reserved * 100) / reservablePercent / 1e7) * 1e7);
    return [
      {
        path: `hosts.${id}.${given === undefined ? "size" : "memory"}`,
        found: `${given === undefined ? `"${size}" with ` : ""}${formatSize(memory)}, of which ${reservations.length} tenants reserve ${formatSize(reserved)}; ${formatSize((memory * reservablePercent) / 100)} (${reservablePercent} %) may be reserved`,
        remedy: `lower memory.reserved of tenants on "${id}", move some to another host, or give it ${needed}`,
      },
    ];
  });
}
