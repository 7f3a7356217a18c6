import type * as pulumi from "@pulumi/pulumi";
import { brandTargets } from "../branding/brand-file.ts";
import { bind } from "../container.ts";
import type { TenantSpec } from "../fleet-config.ts";
import { type LayoutEntry, root } from "../host/layout.ts";
import { environmentFile } from "./environment.ts";

/** A tenant's directory, relative to its host's data root. */
export const tenantHome = (tenant: string): string => `tenants/${tenant}`;

/**
 * What a tenant's directory holds before its container starts. Group 8050 is the agent's: it reads the data,
 * whose files inherit the group, and nothing else. The last entry prints the admin's password.
 */
export function homeLayout(tenant: string, environment: pulumi.Input<string>): LayoutEntry[] {
  const home = tenantHome(tenant);
  const secret = (name: string): LayoutEntry => ({
    kind: "secret",
    path: `${home}/config/${name}`,
    mode: "0600",
    owner: root,
  });
  return [
    { kind: "directory", path: home, mode: "0750", owner: "0:8050" },
    { kind: "directory", path: `${home}/data`, mode: "2750", owner: "0:8050" },
    { kind: "directory", path: `${home}/branding`, mode: "0700", owner: root },
    { kind: "directory", path: `${home}/config`, mode: "0700", owner: root },
    secret("webui_secret_key"),
    secret("admin-password"),
    { kind: "file", path: `${home}/config/environment`, mode: "0600", owner: root, content: environment },
    { kind: "print", path: `${home}/config/admin-password` },
  ];
}

/**
 * What a tenant's container sees of its host; `home` is absolute. Only the data is writable. The secret key stands
 * where every version of Open WebUI looks for one before it makes its own.
 */
export const homeMounts = (home: string, { branding }: TenantSpec) => [
  bind(`${home}/data`, "/app/backend/data", "read-write"),
  bind(`${home}/config/webui_secret_key`, "/app/backend/.webui_secret_key"),
  bind(`${home}/config/environment`, environmentFile),
  ...(branding ? brandTargets.map(({ file, target }) => bind(`${home}/branding/${file}`, target)) : []),
];
