import type { Container } from "../../policy/container.ts";

/** A tenant's container as the components declare it; every rule accepts it. */
export const tenantContainer = (changes: Partial<Container> = {}): Container => ({
  image: "sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f0",
  labels: [
    { label: "owui.stack", value: "local" },
    { label: "owui.role", value: "tenant" },
    { label: "owui.tenant", value: "acme" },
  ],
  memory: 1335,
  logOpts: { "max-size": "10m", "max-file": "3" },
  capabilities: { drops: ["ALL"] },
  securityOpts: ["no-new-privileges:true"],
  healthcheck: { tests: ["CMD", "curl", "http://127.0.0.1:8080/health"] },
  networkMode: "bridge",
  networksAdvanced: [{ name: "owui-local-tenant-acme" }],
  ports: [{ internal: 8080, external: 16_095, ip: "127.0.0.1" }],
  mounts: [{ type: "bind", source: "/data/local/tenants/acme/data", target: "/app/backend/data" }],
  ...changes,
});
