import { SetupError } from "../setup/problem.mjs";
import { type Invocation, lastUp, noFleet } from "./invocation.ts";
import { columns } from "./status-table.ts";

/** `npm run password -- acme`: whom to sign in as first. It is what the secret is for, so it is shown. */
export async function password({ stack }: Invocation, tenant: string): Promise<void> {
  const last = await lastUp(stack);
  const found = last?.outputs.tenants[tenant];
  if (!found) throw new SetupError([unknown(stack, tenant, Object.keys(last?.outputs.tenants ?? {}))]);
  const { url, admin } = found;
  const lines = columns([
    ["address", url],
    ["e-mail", admin.email],
    ["password", admin.password],
  ]);
  process.stdout.write(`${lines.join("\n")}\n`);
}

const unknown = (stack: string, tenant: string, known: string[]) => ({
  what: `Stack ${stack} has no tenant "${tenant}".`,
  why: known.length > 0 ? `Its tenants are: ${known.join(", ")}.` : noFleet(stack).trim(),
  remedy: "Name one of its tenants, or add it to the stack's config and run `npm run up`.",
});
