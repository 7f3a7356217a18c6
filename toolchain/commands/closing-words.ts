import type { LastUp } from "./invocation.ts";

/** What to do with a fleet that just came up: sign in, see it replicate, change it. */
export function nextThings(stack: string, { fleet, outputs }: LastUp): string {
  const [first] = fleet.tenants;
  const tenant = first && outputs.tenants[first.id];
  if (!first || !tenant)
    return `No tenant yet: add one to Pulumi.${stack}.yaml, then run \`npm run up\` again.`;
  const option = stack === "local" ? "" : ` --stack ${stack}`;
  const { host, port } = new URL(tenant.url);
  return [
    `First sign-in: ${tenant.admin.email}; its password is a secret of the stack: npm run password --${option} ${first.id}`,
    "",
    "Next:",
    `  1. Open ${tenant.url} (a shell may need: curl --resolve ${host.replace(/:\d+$/, "")}:${port || 80}:127.0.0.1 ${tenant.url}).`,
    `  2. Chat, then see it arrive in the replica: npm run status${option && ` --${option}`}`,
    `  3. Copy a tenant's entry in Pulumi.${stack}.yaml, look at npm run preview${option && ` --${option}`}, apply it with npm run up${option && ` --${option}`}.`,
  ].join("\n");
}
