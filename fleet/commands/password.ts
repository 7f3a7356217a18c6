import { type Invocation, type LastUp, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { columns } from "../../toolchain/commands/status-table.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { replicasConnection } from "./replicas-connection.ts";

/** How `npm run password` is asked. */
export interface PasswordInvocation extends Invocation {
  /** A reader of replicas, instead of a tenant. */
  reader?: string;
}

/**
 * `npm run password -- acme`: whom to sign in as first. `npm run password -- --reader ana`: how that analyst connects.
 * It is what the secret is for, so it is shown.
 */
export async function password(invocation: PasswordInvocation, tenant: string | undefined): Promise<void> {
  const last = await lastUp(invocation.stack);
  const rows =
    invocation.reader === undefined
      ? signInOf(invocation, tenant, last)
      : connectionOf(invocation, invocation.reader, last);
  process.stdout.write(
    invocation.json
      ? `${JSON.stringify(Object.fromEntries(rows), undefined, 2)}\n`
      : `${columns(rows).join("\n")}\n`,
  );
}

function signInOf({ stack }: Invocation, tenant: string | undefined, last: LastUp | undefined): string[][] {
  const tenants = last?.outputs.tenants ?? {};
  const found = tenants[tenant ?? ""];
  if (!found) throw new SetupError([unknown(stack, "tenant", tenant, Object.keys(tenants))]);
  const { url, admin } = found;
  return [
    ["address", url],
    ["e-mail", admin.email],
    ["password", admin.password],
  ];
}

function connectionOf({ stack }: Invocation, reader: string, last: LastUp | undefined): string[][] {
  const readers = last?.outputs.readers ?? {};
  const found = readers[reader];
  if (!last || !found) throw new SetupError([unknown(stack, "reader", reader, Object.keys(readers))]);
  const { host, port, database } = replicasConnection(stack, last);
  return [
    ["host", host],
    ["port", String(port)],
    ["database", database],
    ["user", found.role],
    ["password", found.password],
  ];
}

const unknown = (stack: string, kind: "tenant" | "reader", name: string | undefined, known: string[]) => ({
  what: name === undefined ? `Which ${kind} is not said.` : `Stack ${stack} has no ${kind} "${name}".`,
  why: known.length > 0 ? `Its ${kind}s are: ${known.join(", ")}.` : nothing(stack, kind),
  remedy: `Name one of its ${kind}s, or add it to the stack's config and run \`npm run up\`.`,
});

const nothing = (stack: string, kind: "tenant" | "reader"): string =>
  kind === "reader" ? "It was brought up without readers, or not at all." : noFleet(stack).trim();
