import { describe, expect, it } from "vitest";
import type { HostSpec, LocalHostSpec, TenantSpec } from "../../components/fleet-config.ts";
import { LocalMachine } from "../../components/machine/local-machine.ts";
import { Tenant } from "../../components/tenant.ts";
import { declaredBy, isSecret, plain } from "./engine.ts";
import { declareHost, hostSpec, replicas, tenantSpec } from "./specs.ts";

const https = { address: "127.0.0.1", port: 8443 };

/** A tenant on a host that offers TLS. */
const declared = (spec: Partial<TenantSpec> = {}, host: Partial<HostSpec> = { https }) =>
  declaredBy(() => {
    const { host: on, edge } = declareHost({
      machine: new LocalMachine({ ...hostSpec, ...host } as LocalHostSpec),
    });
    const args = { stack: "test", host: on, edge, replicas, running: true };
    new Tenant("acme", { ...args, spec: tenantSpec({ certificate: "self-signed", ...spec }) });
  });

const site = await declared();

describe("a site that the stack's own authority certifies", () => {
  it("adds a key, a certificate and the file of both to the tenant", async () => {
    const { certificate: _, ...uncertified } = tenantSpec();
    const without = await declaredBy(() => {
      const { host, edge } = declareHost();
      new Tenant("acme", { stack: "test", host, edge, replicas, running: true, spec: uncertified });
    });
    const added = site.below("acme").filter((name) => !without.below("acme").includes(name));
    expect(added).toEqual(["acme-site-certificate", "acme-site-key", "acme-site-request", "acme-site-tls"]);
  });

  it("is certified for the name it has and for those it had, while they count", async () => {
    const formerDomains = [
      { domain: "old.localhost", until: "2026-11-22" },
      { domain: "older.localhost", until: "2026-11-21" },
    ];
    const { inputs } = (await declared({ formerDomains })).one("acme-site-request");
    expect(inputs.dnsNames).toEqual(["acme.localhost", "old.localhost"]);
    expect((await declared({ formerDomains })).one("acme-site").inputs.stdin).not.toContain(
      "older.localhost",
    );
  });

  it("gets its key by standard input, as a secret, into a file that is there before the site is", () => {
    const { inputs } = site.one("acme-site-tls");
    expect(isSecret(inputs.stdin)).toBe(true);
    expect(plain(inputs.stdin)).toBe("certificate of acme-site-certificate\nprivate key of acme-site-key\n");
    expect(inputs.create).toContain("FILE='tls/acme.pem' sh components/host/install-nginx-certificate.sh");
    expect(site.one("acme-site").after).toContain("acme-site-tls");
    expect(site.one("acme-site").inputs.stdin).toContain("ssl_certificate tls/acme.pem;");
  });

  it("is opened behind the first admin, and its certificate brought in no earlier", () => {
    expect(site.one("acme-site").after).toContain("acme-first-admin");
    expect(site.one("acme-site-tls").after).toContain("local-nginx");
  });

  it("is the address that the application believes to have", () => {
    expect(site.one("acme-container").inputs.envs).toContain("WEBUI_URL=https://acme.localhost:8443");
  });
});

describe("nginx on a host that offers TLS", () => {
  it("starts by a script that follows certificates", () => {
    const { inputs } = site.one("local-nginx");
    expect(inputs).toMatchObject({ entrypoints: ["sh"], command: ["/etc/fleet/start.sh"], readOnly: true });
    expect(plain(site.one("local-directories").inputs.stdin)).toContain("file 0444 0:0 nginx/start.sh ");
  });
});
