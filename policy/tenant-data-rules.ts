import { posix } from "node:path";
import { bindMounts, type Container, labelOf } from "./container.ts";
import { isWithin } from "./container-rules.ts";

/** What the rule is to know of a fleet. */
export interface TenantData {
  /** Hosts' data roots; tenants' directories lie in `tenants` below. */
  roots: readonly string[];
  /** Ids of tenants that are synced both ways, into which the writer may write. */
  written: readonly string[];
}

/**
 * Into a tenant's data writes its own container, and the writer where the tenant's entry says so. Everybody else sees it
 * read-only, and into what lies beside it (keys, brand files) nobody writes.
 */
export function tenantDataWriters(container: Container, { roots, written }: TenantData): string[] {
  const role = labelOf(container, "owui.role");
  const own = role === "tenant" ? labelOf(container, "owui.tenant") : undefined;
  const mayWrite = (tenant: string, below: string) =>
    below === "data" && (tenant === own || (role === "writer" && written.includes(tenant)));
  return bindMounts(container)
    .filter(({ readOnly }) => !readOnly)
    .flatMap(({ source }) => {
      if (roots.some((root) => isWithin(source, `${root}/tenants`)))
        return [`The container may write into every tenant's directory through ${source}. ${remedy}`];
      const inside = roots.find((root) => isWithin(`${root}/tenants`, source));
      if (inside === undefined) return [];
      const [tenant = "", ...below] = posix.relative(`${inside}/tenants`, source).split("/");
      return mayWrite(tenant, below.join("/"))
        ? []
        : [`The container may write into the directory of tenant ${tenant} through ${source}. ${remedy}`];
    });
}

const remedy = "Bind it read-only, or bind what it is about and nothing else.";
