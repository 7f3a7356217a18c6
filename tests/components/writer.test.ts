import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import type { TenantSpec } from "../../components/fleet-config.ts";
import { LocalMachine } from "../../components/machine/local-machine.ts";
import { Tenant } from "../../components/tenant.ts";
import { Writer, type WriterArgs, writerAddress } from "../../components/writer.ts";
import { declaredBy, plain } from "./engine.ts";
import { declareHost, hostSpec, replicas, syncSpec, tenantSpec } from "./specs.ts";

const both = { sync: { ...tenantSpec().sync, direction: "both" } } satisfies Partial<TenantSpec>;

/** A host with a writer for the given tenants. */
const declared = (
  specs: TenantSpec[] = [tenantSpec(both)],
  changed: Partial<WriterArgs> = {},
  generation = 1,
) =>
  declaredBy(() => {
    const { host, edge, authority } = declareHost({
      authority: new CertificateAuthority("authority", { generation }),
    });
    const tenants = specs.map(
      (spec) => new Tenant(spec.id, { stack: "test", host, spec, replicas, edge, running: true }),
    );
    new Writer("local-writer", {
      ...{ stack: "test", host, tenants, cluster: syncSpec, authority, running: true },
      ...changed,
    });
  });

const fleet = await declared();

describe("a host's writer", () => {
  it("has no capability, sees the data of tenants that chose it and nothing else, and is published nowhere", () => {
    const { inputs } = fleet.one("local-writer-container");
    expect(inputs).toMatchObject({
      name: "owui-test-writer",
      command: ["node", "/app/writer.mjs"],
      user: "0:8050",
      readOnly: true,
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges:true"],
      networksAdvanced: [{ name: "local-control-id", aliases: ["writer.local"] }],
    });
    expect(inputs.ports).toBeUndefined();
    expect(inputs.mounts).toEqual([
      { type: "bind", source: "/srv/fleet/tenants/acme/data", target: "/tenants/acme/data", readOnly: false },
      { type: "bind", source: "/srv/fleet/writer/config", target: "/etc/fleet", readOnly: true },
      { type: "bind", source: "/srv/fleet/writer/state", target: "/state", readOnly: false },
    ]);
  });

  it("is told whom it answers and what it may write", () => {
    const line = String(plain(fleet.one("local-writer-home").inputs.stdin))
      .split("\n")
      .find((line) => line.includes("writer.json"));
    expect(JSON.parse(Buffer.from(line?.split(" ")[4] ?? "", "base64").toString())).toEqual({
      ...{ host: "local", cluster: "main", nodes: ["a", "b"], callers: "neighbours" },
      listen: { address: "0.0.0.0", port: 8051 },
      tls: { certificate: "/etc/fleet/tls.crt", key: "/etc/fleet/tls.key", ca: "/etc/fleet/ca.crt" },
      ...{ tenants: ["acme"], directory: "/tenants", state: "/state" },
    });
  });

  it("shows a certificate of its own, which only serves", () => {
    expect(fleet.one("local-writer-request").inputs).toMatchObject({
      dnsNames: ["writer.local"],
      uris: ["urn:owui:writer:local"],
    });
    expect(fleet.one("local-writer-certificate").inputs.allowedUses).toEqual([
      "digital_signature",
      "server_auth",
    ]);
  });

  it("starts once its certificate and its tenants' directories are there", () => {
    expect(fleet.one("local-writer-container").after).toEqual(
      expect.arrayContaining(["local-writer-tls", "acme-home"]),
    );
  });

  it("is another container only when other tenants choose it", async () => {
    const { inputs } = fleet.one("local-writer-container");
    const rotated = await declared(undefined, {}, 2);
    expect(rotated.one("local-writer-container").inputs).toEqual(inputs);
    const two = await declared([
      tenantSpec(both),
      tenantSpec({ ...both, id: "globex", domain: "globex.localhost", port: 18_002, bridge: "owt1" }),
    ]);
    expect(two.one("local-writer-container").inputs.mounts).toHaveLength(4);
    expect(two.one("local-agent").inputs).toEqual(fleet.one("local-agent").inputs);
    expect(two.one("acme-container").inputs).toEqual(fleet.one("acme-container").inputs);
  });

  it("is published where nodes on other hosts call it, to their addresses alone, which its certificate names", async () => {
    const machine = Object.assign(new LocalMachine(hostSpec), {
      callers: pulumi.output(["10.0.0.2"]),
      privateAddress: pulumi.output("10.0.0.3"),
    });
    const cluster = { ...syncSpec, host: "control", nodes: [{ id: "a", host: "control", port: 9443 }] };
    let found = "";
    const called = await declaredBy(() => {
      const { host, authority } = declareHost({ machine, cluster });
      const tenants = [{ spec: tenantSpec(both), home: host }];
      new Writer("local-writer", { stack: "test", host, tenants, cluster, authority, running: true });
      writerAddress(host).apply((address) => {
        found = address;
      });
    });
    expect(found).toBe("10.0.0.3:8051");
    expect(called.one("local-writer-container").inputs.ports).toEqual([
      { internal: 8051, external: 8051, ip: "10.0.0.3", protocol: "tcp" },
    ]);
    expect(called.one("local-writer-request").inputs.ipAddresses).toEqual(["10.0.0.3"]);
    const line = String(plain(called.one("local-writer-home").inputs.stdin))
      .split("\n")
      .find((line) => line.includes("writer.json"));
    expect(JSON.parse(Buffer.from(line?.split(" ")[4] ?? "", "base64").toString()).callers).toEqual([
      "10.0.0.2/32",
    ]);
  });

  it("is not declared while the fleet does not run, and keeps its certificate", async () => {
    const resting = await declared(undefined, { running: false });
    expect(resting.below("local-writer")).toEqual([
      "local-writer-certificate",
      "local-writer-home",
      "local-writer-key",
      "local-writer-request",
      "local-writer-tls",
    ]);
  });
});
