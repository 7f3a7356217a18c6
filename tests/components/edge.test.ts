import { describe, expect, it } from "vitest";
import { Acme } from "../../components/acme.ts";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import type { NameService } from "../../components/dns/name-service.ts";
import { byHand, nameService } from "../../components/dns.ts";
import { Edge } from "../../components/edge.ts";
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

describe("a proxied site", async () => {
  const spec = tenantSpec({
    ...{ certificate: "origin-ca" as const, proxied: true, domain: "chat.acme.example" },
    formerDomains: [{ domain: "old.other.example", until: "2026-12-31" }],
  });
  const names = await nameService(
    { kind: "cloudflare", zones: ["acme.example", "other.example"] },
    (name) => new CertificateAuthority(name, { generation: 1 }),
  );
  const wanted: unknown[] = [];
  const site = await declaredBy(async () => {
    const { edge, host } = declareRemote(names);
    for (const each of [
      spec,
      tenantSpec({ id: "globex", domain: "globex.elsewhere", certificate: "self-signed" }),
    ])
      new Tenant(each.id, { stack: "test", host, edge, replicas, running: true, spec: each });
    for (const { domain, type, content } of edge.wanted)
      content.apply((at) => wanted.push([domain, type, at]));
  });

  it("has a record for each of its names, set last of all", () => {
    for (const domain of ["chat.acme.example", "old.other.example"]) {
      const { inputs, after } = site.one(`acme-record-${domain}`);
      expect(inputs).toMatchObject({
        zoneId: "id-of-the-zone",
        type: "A",
        name: domain,
        proxied: true,
        ttl: 1,
      });
      expect(after).toContain("acme-site");
    }
  });

  it("is certified by Cloudflare for the fleet's own key", () => {
    expect(site.one("acme-origin-certificate").inputs).toEqual({
      csr: "request of acme-origin-request",
      hostnames: ["chat.acme.example", "old.other.example"],
      requestType: "origin-ecc",
      requestedValidity: 5475,
    });
    expect(plain(site.one("acme-site-tls").inputs.stdin)).toBe(
      "certificate of acme-origin-certificate\nprivate key of acme-origin-key\n",
    );
  });

  it("has a certificate shown by Cloudflare for each name, in each zone, by an authority of that alone", () => {
    for (const [zone, domain] of [
      ["acme.example", "chat.acme.example"],
      ["other.example", "old.other.example"],
    ]) {
      const { inputs } = site.one(`acme-pull-${zone}`);
      expect(inputs.certificate).toBe("certificate of acme-pull-certificate");
      expect(isSecret(inputs.privateKey)).toBe(true);
      expect(site.one(`acme-pulls-${domain}`).inputs.configs).toEqual([
        { hostname: domain, certId: `acme-pull-${zone}-id`, enabled: true },
      ]);
    }
    expect(site.one("acme-pull-certificate").inputs.caCertPem).toBe(
      "certificate of origin-pulls-certificate",
    );
  });

  it("asks for that certificate once Cloudflare shows it", () => {
    expect(site.one("acme-site-proxy").after).toEqual(
      expect.arrayContaining(["acme-pulls-chat.acme.example", "zone-acme.example-ssl"]),
    );
    expect(site.one("acme-site").after).toEqual(
      expect.arrayContaining(["acme-site-proxy", "local-proxy-networks", "local-proxy-visitors"]),
    );
    expect(site.one("acme-site").inputs.stdin).toContain("ssl_client_certificate tls/acme.proxy.pem;");
  });

  it("lets in Cloudflare's networks, which its host learns once", () => {
    expect(site.one("local-proxy-networks").inputs.stdin).toContain(
      "  198.18.127.0/24 1;\n  2001:db8::/32 1;\n",
    );
  });

  it("leaves names outside the zones to the operator", () => {
    expect(wanted).toEqual([["globex.elsewhere", "A", "127.0.0.1"]]);
    expect(site.below("globex").filter((name) => name.includes("record"))).toEqual([]);
  });
});

describe("a site that is certified over ACME", async () => {
  const acme = { directory: "https://acme.example/directory", root: "certificate of the directory" };
  const spec = tenantSpec({ certificate: "acme", domain: "chat.acme.example" });
  const fleet = () =>
    declaredBy(() => {
      const { host, edge } = declareRemote(byHand, new Acme({ stack: "test", spec: acme }));
      for (const each of [spec, { ...spec, id: "globex", domain: "globex.example" }])
        new Tenant(each.id, { stack: "test", host, edge, replicas, running: true, spec: each });
    });
  const site = await fleet();

  it("has a certificate of the fleet's own until then, which comes by standard input", () => {
    const { inputs } = site.one("acme-site-tls");
    expect(isSecret(inputs.stdin)).toBe(true);
    expect(inputs.create).toContain("DOMAINS='chat.acme.example' sh components/host/want-certificate.sh");
    expect(inputs.delete).toContain("TENANT='acme' sh components/host/forget-certificate.sh");
    expect(site.one("acme-site").after).toContain("acme-site-tls");
    expect(site.one("acme-site").inputs.stdin).toContain("ssl_certificate acme/certificates/acme.pem;");
  });

  it("is certified once it is open, by the one client of its host", () => {
    expect(site.one("acme-site-certified").after).toEqual(
      expect.arrayContaining(["acme-site", "local-acme"]),
    );
    expect(site.ofType("Container").filter((name) => name.endsWith("-acme"))).toEqual(["local-acme"]);
  });

  it("owes its certificate to a client that can do nothing else", () => {
    const { inputs } = site.one("local-acme");
    expect(inputs).toMatchObject({
      ...{ user: "8053:0", readOnly: true, networkMode: "bridge", capabilities: { drops: ["ALL"] } },
      envs: [
        "DIRECTORY=https://acme.example/directory",
        "EMAIL=admin@acme.example",
        "LEGO_CA_CERTIFICATES=/etc/fleet/root.pem",
        "RENEW_DAYS=30",
        "ROUND_SECONDS=900",
      ],
    });
    expect(inputs.mounts.filter(({ readOnly }: { readOnly: boolean }) => !readOnly)).toEqual([
      { type: "bind", source: "/srv/fleet/acme/state", target: "/state", readOnly: false },
      { type: "bind", source: "/srv/fleet/nginx/acme", target: "/nginx", readOnly: false },
    ]);
  });
});

/** A host that is not this machine, as far as names are concerned. */
function declareRemote(names: NameService, acme?: Acme) {
  const spec = { ...hostSpec, https, kind: "ssh" } as unknown as LocalHostSpec;
  const { authority, host } = declareHost({ machine: new LocalMachine(spec) });
  return { host, edge: new Edge({ authority, names, acme, today: "2026-11-22" }) };
}
