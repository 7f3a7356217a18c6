import type { Draft } from "./draft.ts";
import type { Problem } from "./problem.ts";

/** Certifiers that a tenant's entry names and that cannot certify its site. */
export function unfitCertificates({ hosts, tenants, acme }: Draft): Problem[] {
  return tenants.flatMap(({ id, host, certificate, proxied }) => {
    if (certificate === undefined) return [];
    const on = hosts.find((entry) => entry.id === host);
    const problem = (found: string, remedy: string): Problem[] => [
      { path: `tenants.${id}.certificate`, found: `"${certificate}" ${found}`, remedy },
    ];
    if (proxied)
      return problem(
        "of a proxied tenant, whose site Cloudflare certifies",
        `leave certificate or proxied out of tenants.${id}`,
      );
    if (on?.kind === "local" && on.https === undefined)
      return problem(
        `on host "${host}", which offers no TLS`,
        `leave it out, or write hosts.${host}.https: { port: 8443 }`,
      );
    if (certificate === "acme" && on?.kind === "local")
      return problem(
        `on host "${host}", which is of kind local: no authority reaches it`,
        "write self-signed, or leave it out",
      );
    if (certificate === "acme" && !acme)
      return problem(
        "in a stack without acme",
        "write acme: { email: operators@example.com } beside tenants, or leave it out",
      );
    return [];
  });
}
