import { documentation } from "./documentation.ts";
import type { Draft } from "./draft.ts";
import { hostEntry, kinds } from "./host-entry.ts";
import type { Problem } from "./problem.ts";

/** Fields that only some kinds have; those that all share are not among them. */
const ownFields = [...new Set(Object.values(kinds).flatMap(({ needs, may }) => [...needs, ...may]))];

/** A host has what its kind needs and nothing that only other kinds have. A field that was refused is left alone. */
export const fieldsFitKind = ({ hosts }: Draft): Problem[] =>
  hosts.flatMap((host) => {
    if (host.kind === undefined) return [];
    const { needs, may } = kinds[host.kind];
    return ownFields.flatMap((field): Problem[] => {
      if (!(field in host)) return [];
      const given = host[field] !== undefined;
      const path = `hosts.${host.id}.${field}`;
      if (!given && needs.includes(field)) {
        const found = `nothing, and a host of kind ${host.kind} needs it`;
        return [{ path, found, remedy: documentation.get(hostEntry.shape[field])?.remedy ?? "" }];
      }
      if (!given || needs.includes(field) || may.includes(field)) return [];
      return [
        {
          path,
          found: `a value, which a host of kind ${host.kind} does not have`,
          remedy: `remove it, or write another kind: ${kindsWith(field).join(" and ")} ${kindsWith(field).length > 1 ? "have" : "has"} ${field}`,
        },
      ];
    });
  });

const kindsWith = (field: (typeof ownFields)[number]): string[] =>
  Object.entries(kinds)
    .filter(([, { needs, may }]) => [...needs, ...may].includes(field))
    .map(([kind]) => kind);

/** Hosts that are one machine: by kind local all of them are this one, whatever their ports and folders. */
export function machinesAreDifferent({ hosts }: Draft): Problem[] {
  const owners = new Map<string, string>();
  return hosts.flatMap(({ id, kind, address }) => {
    const machine = kind === "local" ? "local" : kind === "ssh" ? address : undefined;
    if (machine === undefined) return [];
    const owner = owners.get(machine);
    if (owner === undefined) {
      owners.set(machine, id);
      return [];
    }
    const why = kind === "local" ? "both are of kind local, which is this machine" : `both are ${machine}`;
    return [
      {
        path: `hosts.${id}`,
        found: `the same address as hosts.${owner}: ${why}`,
        remedy: `remove hosts.${id} and let its tenants say host: ${owner}`,
      },
    ];
  });
}

/** Nodes call agents on every host, and agents answer them only: neither way leads to a machine behind somebody's router. */
export function localStandsAlone({ hosts }: Draft): Problem[] {
  const remote = hosts.find(({ kind }) => kind !== undefined && kind !== "local");
  if (!remote) return [];
  return hosts
    .filter(({ kind }) => kind === "local")
    .map(({ id }) => ({
      path: `hosts.${id}.kind`,
      found: `local, beside hosts.${remote.id}, which is of kind ${remote.kind}`,
      remedy:
        "give this machine a stack of its own: the nodes of one could not reach the other's agents; a server is declared as kind ssh",
    }));
}

/** Port 22 of a remote host is open to somebody, and somebody can sign in. */
export function operatorsReachHosts({ hosts, operators }: Draft): Problem[] {
  const remote = hosts.find(({ kind }) => kind !== undefined && kind !== "local");
  if (!remote) return [];
  const needed = (field: "keys" | "addresses", remedy: string): Problem[] =>
    operators[field]?.length === 0
      ? [
          {
            path: `operators.${field}`,
            found: `nothing, and hosts.${remote.id} is reached over ssh`,
            remedy,
          },
        ]
      : [];
  return [
    ...needed(
      "keys",
      'list who may sign in: ["ssh-ed25519 AAAA… ann@example"], the line in ~/.ssh/id_ed25519.pub',
    ),
    ...needed(
      "addresses",
      'list where operators come from: ["203.0.113.7"]; `curl -4 https://ifconfig.me` shows yours',
    ),
  ];
}

/** The embedded Postgres is reached on this machine's loopback. */
export function embeddedIsLocal({ hosts, sync }: Draft): Problem[] {
  const control = hosts.find(({ id }) => id === sync.host);
  if (sync.database?.kind !== "embedded" || control?.kind === undefined || control.kind === "local")
    return [];
  return [
    {
      path: "sync.database.kind",
      found: `embedded, on host "${control.id}" of kind ${control.kind}`,
      remedy:
        "write kind: external with a Postgres that control host and operators reach, such as Supabase's",
    },
  ];
}
