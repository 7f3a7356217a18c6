import type { BackupsSpec, TenantSpec } from "../fleet-config/model.ts";
import { type LayoutEntry, root } from "./layout.ts";
import { postgresImage } from "./postgres-image.ts";
import type { Script } from "./shell.ts";

/** The file from which drill.sh knows a host's tenants: `tenant image memory cpus pids interval postgres`, a line each. */
export const drillsFile = (
  { drill, postgres }: Pick<BackupsSpec, "drill" | "postgres">,
  tenants: readonly Pick<TenantSpec, "id" | "image" | "memory" | "cpus" | "pids">[],
): LayoutEntry => ({
  ...{ kind: "file", path: "backup/drills", mode: "0600", owner: root },
  content: tenants
    .map(({ id, image, memory, cpus, pids }) =>
      [id, image, memory.limit, cpus, pids, drill, postgresImage(postgres)].join(" "),
    )
    .map((line) => `${line}\n`)
    .join(""),
});

/** Has a host's own timer look which trial restores are due, or takes the timer away. */
export const drillTimer = (dataRoot: string, stack: string, wanted: boolean): Script => ({
  script: "drill-timer",
  variables: { ROOT: dataRoot, STACK: stack, WANTED: wanted ? "yes" : "no" },
});
