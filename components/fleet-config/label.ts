import type { Draft } from "./draft.ts";
import { type Problem, pathOf } from "./problem.ts";

const longest = 40;
const dnsLabel = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Whether a name can stand in a host name, a container's name and a schema's name alike. */
export const isLabel = (name: string): boolean => name.length <= longest && dnsLabel.test(name);

/** The nearest name that is allowed: `Acme_Corp` as `acme-corp`; empty where nothing is left of it. */
const labelFor = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, longest)
    .replace(/-+$/, "");

/** Names that would make a wrong container, host or schema name. */
export function unfitNames({ stack, hosts, tenants, sync, nodes, readers }: Draft): Problem[] {
  const names = [
    { what: "stack", path: ["stack"], name: stack },
    ...hosts.map(({ id }) => ({ what: "host", path: ["hosts", id], name: id })),
    ...tenants.map(({ id }) => ({ what: "tenant", path: ["tenants", id], name: id })),
    ...nodes.map(({ id }) => ({ what: "node", path: ["sync", "nodes", id], name: id })),
    ...readers.map(({ id }) => ({ what: "reader", path: ["sync", "readers", id], name: id })),
    ...(sync.cluster === undefined
      ? []
      : [{ what: "cluster", path: ["sync", "cluster"], name: sync.cluster }]),
  ];
  return names
    .filter(({ name }) => !isLabel(name))
    .map(({ what, path, name }) => {
      const suggestion = labelFor(name);
      return {
        path: pathOf(path),
        found: `"${name}", which is not a DNS label`,
        remedy: `name the ${what} with at most ${longest} lower-case letters, digits and inner hyphens${suggestion && `, such as "${suggestion}"`}`,
      };
    });
}
