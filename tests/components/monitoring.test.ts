import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import type { AlertsSpec } from "../../components/fleet-config.ts";
import { Monitoring } from "../../components/monitoring.ts";
import { declaredBy, isSecret, plain } from "./engine.ts";
import { declareHost, hostSpec, syncSpec } from "./specs.ts";

const declared = ({ running = true, preview = false, alerts = {} as AlertsSpec, hosts = ["local"] } = {}) =>
  declaredBy(
    () => {
      const { host, authority } = declareHost({ running });
      new Monitoring("monitoring", {
        ...{ stack: "test", running, host, authority, sync: syncSpec },
        nodes: ["a", "b"].map((id) => ({ id, address: `node-${id}.main:9443` })),
        hosts: hosts.map((id) => ({
          ...{ spec: { ...hostSpec, id }, agentAddress: pulumi.output(`agent.${id}:8050`) },
        })),
        spec: { enabled: true, prometheus: { port: 9090 }, alertmanager: { port: 9093 }, alerts },
      });
    },
    { preview },
  );

/** As declared with nothing special; what several tests look at. */
const monitoring = await declared();

/** The files that one of the two is given, by name, as JSON where they are. */
const filesOf = (what: string, from = monitoring) =>
  Object.fromEntries(
    String(plain(from.one(`monitoring-${what}-home`).inputs.stdin))
      .split("\n")
      .filter((line) => line.startsWith("file"))
      .map((line) => {
        const [, mode = "", owner = "", path = "", content = ""] = line.split(" ");
        const text = Buffer.from(content, "base64").toString();
        return [path.split("/").at(-1), { mode, owner, text }];
      }),
  );
const configOf = (what: string, file: string, from = monitoring) =>
  JSON.parse(filesOf(what, from)[file]?.text ?? "null");

describe("what watches the fleet", () => {
  it.each([
    ["prometheus", "9090:9090", 9090],
    ["alertmanager", "9093:9093", 9093],
  ])(
    "%s is nobody in particular, writes its own data only, and answers on the loopback",
    (what, user, port) => {
      expect(monitoring.one(`monitoring-${what}`).inputs).toMatchObject({
        name: `owui-test-${what}`,
        user,
        readOnly: true,
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges:true"],
        ports: [{ internal: port, external: port, ip: "127.0.0.1" }],
        mounts: [
          { source: `/srv/fleet/monitoring/${what}`, target: "/etc/fleet", readOnly: true },
          { source: `/srv/fleet/monitoring/${what}-data`, target: "/data", readOnly: false },
        ],
        networksAdvanced: [{ name: "local-control-id" }],
        memory: expect.any(Number),
      });
    },
  );

  it("keeps what it has stored while the fleet does not run, and can be previewed before anything exists", async () => {
    const stopped = await declared({ running: false });
    expect(stopped.ofType("Container")).toEqual([]);
    expect(stopped.one("monitoring-prometheus-home").inputs.delete).toBeUndefined();
    expect((await declared({ preview: true })).ofType("Container")).toContain("monitoring-prometheus");
  });

  it("shows certificates that are no node's and no agent's, and asks for one of the stack's", () => {
    for (const what of ["prometheus", "alertmanager"]) {
      expect(monitoring.one(`monitoring-${what}-request`).inputs).toMatchObject({
        uris: ["urn:owui:monitor:main"],
        dnsNames: [`owui-test-${what}`, "localhost"],
      });
      expect(configOf(what, "web.yml").tls_server_config).toMatchObject({
        client_auth_type: "RequireAndVerifyClientCert",
        client_ca_file: "/etc/fleet/ca.crt",
      });
    }
    expect(monitoring.one("monitoring-asker-certificate").inputs.allowedUses).not.toContain("server_auth");
  });
});

describe("Prometheus", () => {
  it("asks every node and every host's agent by the name in its certificate", async () => {
    const { scrape_configs: jobs } = configOf(
      "prometheus",
      "prometheus.yml",
      await declared({ hosts: ["local", "far"] }),
    );
    const targets = jobs.flatMap(
      ({ job_name, scheme, static_configs }: Record<string, unknown> & { static_configs: object[] }) =>
        static_configs.map((target) => ({ job_name, scheme, ...target })),
    );
    expect(targets).toEqual([
      { job_name: "nodes", scheme: "https", targets: ["node-a.main:9443"], labels: { node: "a" } },
      { job_name: "nodes", scheme: "https", targets: ["node-b.main:9443"], labels: { node: "b" } },
      { job_name: "agents", scheme: "https", targets: ["agent.local:8050"], labels: { host: "local" } },
      { job_name: "agents", scheme: "https", targets: ["agent.far:8050"], labels: { host: "far" } },
      { job_name: "alertmanager", scheme: "https", targets: ["owui-test-alertmanager:9093"], labels: {} },
    ]);
  });

  it("bounds what it keeps, and is given the rules that are shipped", () => {
    expect(monitoring.one("monitoring-prometheus").inputs.command).toEqual(
      expect.arrayContaining(["--storage.tsdb.retention.time=15d", "--storage.tsdb.retention.size=1GB"]),
    );
    expect(filesOf("prometheus")["rules.yaml"]?.text).toContain("alert: Watchdog");
  });
});

describe("Alertmanager", () => {
  const mail = {
    ...{ host: "smtp.example.com", port: 587, from: "fleet@example.com", to: ["a@b.example", "c@d.example"] },
    ...{ user: "fleet", password: "the mail password", tls: true },
  };
  const webhook = { url: "https://hooks.example.com/token-1" };
  const heartbeat = { url: "https://beat.example.com/token-2", every: 600 };

  it("delivers to nobody where nobody is named", () => {
    const { receivers, route } = configOf("alertmanager", "alertmanager.yml");
    expect(receivers).toEqual([{ name: "operators" }, { name: "nobody" }]);
    expect(route.routes[0]).toMatchObject({ receiver: "nobody" });
  });

  it("delivers by mail and by webhook, and says when it is over", async () => {
    const { receivers } = configOf(
      "alertmanager",
      "alertmanager.yml",
      await declared({ alerts: { mail, webhook } }),
    );
    expect(receivers[0]).toMatchObject({
      email_configs: [
        {
          smarthost: "smtp.example.com:587",
          to: "a@b.example, c@d.example",
          auth_username: "fleet",
          auth_password_file: "/etc/fleet/mail-password",
          require_tls: true,
          send_resolved: true,
        },
      ],
      webhook_configs: [{ url: "https://hooks.example.com/token-1", send_resolved: true }],
    });
  });

  it("beats as often as it was told, and tells operators nothing of that", async () => {
    const { route, receivers } = configOf(
      "alertmanager",
      "alertmanager.yml",
      await declared({ alerts: { heartbeat } }),
    );
    expect(route.routes[0]).toMatchObject({
      matchers: ['alertname = "Watchdog"'],
      receiver: "heartbeat",
      group_interval: "600s",
    });
    expect(Number.parseInt(route.routes[0].repeat_interval, 10)).toBeLessThan(600);
    expect(receivers.at(-1)).toMatchObject({ name: "heartbeat", webhook_configs: [{ url: heartbeat.url }] });
  });

  it("has secrets in files for itself alone, which reach the host as secrets, and nowhere else", async () => {
    const full = await declared({ alerts: { mail, webhook, heartbeat } });
    const files = filesOf("alertmanager", full);
    for (const file of ["alertmanager.yml", "mail-password"])
      expect(files[file]).toMatchObject({ mode: "0440", owner: "0:9093" });
    expect(files["mail-password"]?.text).toBe("the mail password");
    expect(files["alertmanager.yml"]?.text).not.toContain("the mail password");
    expect(isSecret(full.one("monitoring-alertmanager-home").inputs.stdin)).toBe(true);
    expect(JSON.stringify(full.one("monitoring-alertmanager").inputs)).not.toMatch(/token|the mail password/);
  });
});
