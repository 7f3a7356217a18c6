import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Draft } from "./draft.ts";
import type { Problem } from "./problem.ts";

/** Logos that are not where the config says, looked for from the repository. */
export const missingLogos = ({ tenants }: Draft, repository: string): Problem[] =>
  tenants.flatMap(({ id, branding }) => {
    if (!branding) return [];
    const file = resolve(repository, branding.logo);
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) return [];
    return [
      {
        path: `tenants.${id}.branding.logo`,
        found: `"${branding.logo}", where there is no file`,
        remedy: `put the logo at ${file}, or correct the path`,
      },
    ];
  });
