import { request as plain } from "node:http";
import { request as secure } from "node:https";
import type { HostSpec, TenantSpec } from "../../components/fleet-config.ts";
import { currentDomains, siteConfig, siteTls } from "../../components/host/site.ts";
import type { MoveSide } from "../on-host/tenant-move.ts";
import { answers } from "../open-webui/answers.ts";
import type { Subject } from "./subject.ts";

/** Whether a host answers for a tenant under its name, wherever that name leads. Who certifies it is not looked at. */
export const answersSite = (
  { http, https }: Pick<HostSpec, "http" | "https">,
  address: string,
  { domain }: Pick<TenantSpec, "domain">,
): Promise<boolean> => {
  const options = { host: address, path: "/health", agent: false as const, timeout: 3_000 };
  const headers = { Host: domain };
  return answers(
    https
      ? secure({ ...options, headers, port: https.port, servername: domain, rejectUnauthorized: false })
      : plain({ ...options, headers, port: http.port }),
  );
};

/**
 * Has a host's nginx lead to the tenant before it is there, as `up` has it do last of all: users then wait for the
 * application alone. Data that has users of its own needs no first admin before strangers come. Of a name that a proxy holds
 * nothing is done; nor is anything where nginx refuses it, since `up` does the same later.
 */
export async function openSite({ spec }: Subject, to: MoveSide): Promise<void> {
  const { id: tenant, domain, port, proxied } = spec;
  if (proxied) return;
  const tls = siteTls(spec);
  const formerDomains = currentDomains(spec, new Date().toISOString().slice(0, 10));
  const site = { tenant, domain, port, formerDomains, ...(tls && { tls }) };
  await to.act("open", {}, siteConfig(to.spec, site)).catch(() => {});
}
