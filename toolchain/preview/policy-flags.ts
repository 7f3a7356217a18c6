import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fleet } from "../../components/fleet-config.ts";
import { builtImages } from "../setup/images.ts";
import { repository, stackFolder } from "../setup/paths.mjs";

/**
 * What the policies are to know of a fleet, by policy; pure.
 * @param built names of images that this machine built since no registry serves them
 */
export const policyConfig = (
  { hosts, tenants, backups }: Declared,
  built: readonly string[],
): Record<string, unknown> => ({
  "container-binds-data-root": {
    roots: [
      ...hosts.map(({ root }) => root),
      ...(backups?.repository.kind === "folder" ? [backups.repository.path] : []),
    ],
  },
  "image-by-digest": { allowed: hosts.every(({ kind }) => kind === "local"), built },
  "tenant-data-writers": {
    roots: hosts.map(({ root }) => root),
    written: tenants.filter(({ sync }) => sync.direction === "both").map(({ id }) => id),
  },
  "branding-basis": {
    bases: Object.fromEntries(
      tenants.flatMap(({ id, branding }) => (branding ? [[id, branding.basis]] : [])),
    ),
  },
});

type Declared = Pick<Fleet, "hosts" | "tenants" | "backups">;

/** Flags by which the engine holds the project's policies against what it previews; what they are to know lies in the folder. */
export async function policyConfigFlags(fleet: Declared, folder: string): Promise<string[]> {
  const file = join(folder, "policies.json");
  await writeFile(file, JSON.stringify(policyConfig(fleet, await builtImages())));
  return ["--policy-pack", join(repository, "policy/run"), "--policy-pack-config", file];
}

/** The same, for a stack of the operator's. */
export async function policyFlags(stack: string, fleet: Declared): Promise<string[]> {
  await mkdir(stackFolder(stack), { recursive: true, mode: 0o700 });
  return policyConfigFlags(fleet, stackFolder(stack));
}
