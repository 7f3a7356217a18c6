import { portClashes } from "./claimed-ports.ts";
import { endpointsInTenantNetworks, subnetClashes } from "./claimed-subnets.ts";
import type { Draft } from "./draft.ts";
import { unfitNames } from "./label.ts";
import { nearest } from "./nearest.ts";
import { isPrivate } from "./network-address.ts";
import type { Problem } from "./problem.ts";
import { formatSize } from "./size.ts";

/** Part of a host's memory that tenants may reserve; the rest stays free for everything else. */
const reservable = 0.7;

/** A rule across entries: what one entry must hold because of another one. */
type Rule = (draft: Draft) => Problem[];

const rules: Rule[] = [
  unfitNames,
  oneLocalHost,
  hostsExist,
  oneImage,
  domainsAreUnique,
  portClashes,
  subnetClashes,
  endpointsInTenantNetworks,
  privateConnectionsAreExcepted,
  reservationsFit,
];

/** Everything that is wrong between the entries of a config. */
export const crossChecked = (draft: Draft): Problem[] => rules.flatMap((rule) => rule(draft));

/** What makes two hosts the same machine: for kind local, that it is this one, whatever its ports and folder. */
function oneLocalHost({ hosts }: Draft): Problem[] {
  const [first, ...others] = hosts.filter(({ kind }) => kind === "local");
  return others.map(({ id }) => ({
    path: `hosts.${id}`,
    found: `the same address as hosts.${first?.id}: both are of kind local, which is this machine`,
    remedy: `remove hosts.${id} and let its tenants say host: ${first?.id}`,
  }));
}

function hostsExist({ hosts, tenants, sync }: Draft): Problem[] {
  const known = hosts.map(({ id }) => id);
  const references = [
    ...tenants.map(({ id, host }) => ({ path: `tenants.${id}.host`, host })),
    { path: "sync.host", host: sync.host },
  ];
  return references.flatMap(({ path, host }) =>
    host === undefined || known.includes(host) ? [] : [unknownHost(path, host, known)],
  );
}

function unknownHost(path: string, host: string, known: string[]): Problem {
  const meant = nearest(host, known);
  const declared = known.length === 0 ? "no host is declared" : `declared are: ${known.join(", ")}`;
  return {
    path,
    found: `"${host}", which is no host of this stack`,
    remedy: `${meant ? `write ${meant}, if that was meant, or declare` : "declare"} hosts.${host}; ${declared}`,
  };
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

function domainsAreUnique({ tenants }: Draft): Problem[] {
  const owners = new Map<string, string>();
  return tenants.flatMap(({ id, domain }) => {
    if (domain === undefined) return [];
    const owner = owners.get(domain);
    if (owner === undefined) {
      owners.set(domain, id);
      return [];
    }
    return [
      {
        path: `tenants.${id}.domain`,
        found: `"${domain}", which tenants.${owner} already has`,
        remedy: "give each tenant a domain of its own; capital letters make no difference",
      },
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

/** Stopped tenants count too, so that starting one is never what breaks a host. */
function reservationsFit({ hosts, tenants }: Draft): Problem[] {
  return hosts.flatMap(({ id, memory }) => {
    const reservations = tenants
      .filter(({ host }) => host === id)
      .map((tenant) => tenant.memory?.reserved ?? 0);
    const reserved = reservations.reduce((sum, bytes) => sum + bytes, 0);
    if (memory === undefined || reserved <= memory * reservable) return [];
    const needed = formatSize(Math.ceil(reserved / reservable / 1e7) * 1e7);
    return [
      {
        path: `hosts.${id}.memory`,
        found: `${formatSize(memory)}, of which ${reservations.length} tenants reserve ${formatSize(reserved)}; ${formatSize(memory * reservable)} (70 %) may be reserved`,
        remedy: `lower memory.reserved of tenants on "${id}", move some to another host, or give it ${needed}`,
      },
    ];
  });
}
