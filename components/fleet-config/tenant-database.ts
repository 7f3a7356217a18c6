import { isIPv4 } from "node:net";
import { z } from "zod";
import { documentation } from "./documentation.ts";
import type { EndpointSpec } from "./model.ts";
import { isPrivate } from "./network-address.ts";
import { refuse } from "./problem.ts";

const example = "postgresql://owui_acme@db.example.com:5432/owui_acme";
const sslModes = ["disable", "prefer", "require"];

/** `localhost`, `[::1]`, `127.0.0.1`, the cloud's metadata: what is the container's own there, or never reached. */
const isOwn = (host: string): boolean =>
  host === "localhost" || host === "[::1]" || (isIPv4(host) && /^(0|127|169\.254)\./.test(host));

/** What is wrong with the URL of a tenant's database, and what to write instead; undefined: nothing. */
export function databaseUrlFault(text: string): { found: string; remedy: string } | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || !/^\/[^/]+$/.test(url.pathname))
    return { found: "a text that is no URL of a Postgres database", remedy: `write it as ${example}` };
  if (url.password !== "")
    return { found: "a URL with a password in it", remedy: "put the password into `password`, encrypted" };
  if (url.username === "")
    return { found: "a URL without a user", remedy: `name the role that owns the database: ${example}` };
  if (isOwn(url.hostname))
    return {
      found: `"${url.hostname}", which a tenant's container cannot reach`,
      remedy: "write the address or name under which the server is reached from the tenant's host",
    };
  const foreign = [...url.searchParams].find(
    ([name, value]) => name !== "sslmode" || !sslModes.includes(value),
  );
  if (foreign || url.hash !== "")
    return {
      found: "a URL with more than `sslmode` behind it",
      remedy: `leave it out, or write ?sslmode= with ${sslModes.join(", ")}`,
    };
  return undefined;
}

const url = z
  .string()
  .transform((text, context): string => {
    const fault = databaseUrlFault(text);
    // What Open WebUI's driver understands.
    if (!fault) return new URL(text).href.replace(/^postgres:/, "postgresql:");
    refuse(context, fault);
    return z.NEVER;
  })
  .register(documentation, {
    description:
      "Where the database is, and the role that owns it; without the password. `?sslmode=require` has the connection encrypted; who the server is, is not checked. A private IPv4 address is opened to this tenant, one behind a name goes into `privateEndpoints`.",
    type: "URL",
    example,
    remedy: `write it as ${example}`,
    secret: true,
  });

const password = z.string().min(1).register(documentation, {
  description: "Password of that role, encrypted. Refused in plain text in the stack's file.",
  type: "secret text",
  example: "{ secure: v1:... }",
  remedy:
    "have `npx fleet promote` write it, or encrypt it with `npm run pulumi -- config set --secret --path`",
  secret: true,
});

/** The Postgres that a tenant's application works on. */
export const tenantDatabase = () =>
  z.strictObject({
    kind: z.literal("postgres").register(documentation, {
      description: "What it is.",
      remedy: "write postgres, or leave `database` out: the tenant then has its SQLite file",
    }),
    url,
    password,
  });

/** The private address that a tenant has to reach for its database; undefined: it is public, or a name. */
export function databaseEndpoint(url: string): EndpointSpec | undefined {
  const { hostname, port } = new URL(url);
  return isPrivate(hostname) ? { address: hostname, port: Number(port || 5432) } : undefined;
}
