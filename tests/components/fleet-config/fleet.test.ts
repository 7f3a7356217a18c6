import { describe, expect, test } from "vitest";
import { FleetConfigError, parseFleet, stackConfig } from "../../../components/fleet-config.ts";
import { refusal, repository, validConfig, where } from "./config.ts";

const tenantOf = (edit: object) => {
  const config = validConfig();
  Object.assign(config.tenants.acme, edit);
  return parseFleet("local", config, where).tenants[0];
};

describe("a config that is right", () => {
  test("becomes a model in which every default is filled in", () => {
    const { hosts, tenants, sync, ...fleet } = parseFleet("local", validConfig(), where);
    expect(fleet).toEqual({
      stack: "local",
      running: true,
      operators: { keys: [], addresses: [] },
      certificates: { generation: 1 },
      dns: { kind: "manual" },
      monitoring: { enabled: true, prometheus: { port: 9090 }, alertmanager: { port: 9093 }, alerts: {} },
    });
    expect(hosts).toEqual([
      {
        id: "local",
        kind: "local",
        root: "/data/local",
        http: { address: "127.0.0.1", port: 8080 },
        agentPort: 8050,
        writerPort: 8051,
      },
    ]);
    expect(tenants[0]).toEqual({
      id: "acme",
      host: "local",
      domain: "acme.localhost",
      formerDomains: [],
      proxied: false,
      running: true,
      image: "ghcr.io/open-webui/open-webui:v0.11.3",
      port: 17_249,
      subnet: "10.168.176.128/28",
      bridge: "owt3b6f6eac",
      admin: { email: "admin@acme.example", name: "Administrator" },
      connections: [],
      privateEndpoints: [],
      persistSettings: false,
      environment: {},
      memory: { reserved: 700_000_000, limit: 1_400_000_000 },
      cpus: 1,
      pids: 512,
      sync: {
        interval: 300,
        paused: false,
        direction: "one-way",
        conflicts: {
          default: "source_wins",
          tables: { chat: "merge", config: "manual", oauth_session: "source_wins", user: "newest_wins" },
        },
      },
      fresh: false,
    });
    expect(sync).toEqual({
      host: "local",
      cluster: "main",
      parallel: 5,
      verify: 604_800,
      tombstones: 7_776_000,
      quarantine: 5,
      operatorKey: 1,
      nodes: [
        { id: "a", host: "local", port: 9443 },
        { id: "b", host: "local", port: 9444 },
      ],
      database: { kind: "embedded", port: 15_432 },
      readers: [],
    });
  });

  test("may name who reads replicas", () => {
    const config = validConfig();
    config.sync.readers = { ana: { tenants: "all" }, bo: { tenants: ["acme"], columns: ["auth.password"] } };
    expect(parseFleet("local", config, where).sync.readers).toEqual([
      { id: "ana", tenants: null, columns: [] },
      { id: "bo", tenants: ["acme"], columns: [{ table: "auth", column: "password" }] },
    ]);
  });

  test("decides conflicts by table before any default, and as the tenant says before the fleet", () => {
    const config = validConfig();
    config.sync.conflicts = { default: "target_wins", tables: { chat: "manual", note: "newest_wins" } };
    config.tenants.acme.sync = { conflicts: { tables: { note: "merge" } } };
    config.tenants.globex.sync = { conflicts: { default: "manual", tables: { user: "source_wins" } } };
    const [acme, globex] = parseFleet("local", config, where).tenants.map(({ sync }) => sync.conflicts);
    const fleet = { chat: "manual", config: "manual", note: "newest_wins", oauth_session: "source_wins" };
    expect(acme).toEqual({
      default: "target_wins",
      tables: { ...fleet, note: "merge", user: "newest_wins" },
    });
    expect(globex).toEqual({ default: "manual", tables: { ...fleet, user: "source_wins" } });
  });

  test("sends rows one way, or both as the fleet or a tenant says, the tenant before the fleet", () => {
    const config = validConfig();
    const directions = () => parseFleet("local", config, where).tenants.map(({ sync }) => sync.direction);
    expect(directions()).toEqual(["one-way", "one-way"]);
    config.tenants.acme.sync = { direction: "both" };
    expect(directions()).toEqual(["both", "one-way"]);
    config.sync.direction = "both";
    config.tenants.acme.sync = { direction: "one-way" };
    expect(directions()).toEqual(["one-way", "both"]);
  });

  test("may have no tenants", () => {
    const { tenants: _, ...config } = validConfig();
    expect(parseFleet("local", config, where).tenants).toEqual([]);
    expect(parseFleet("local", { ...config, tenants: null }, where).tenants).toEqual([]);
  });

  test("gives a branded tenant its logo by absolute path", () => {
    const branding = { logo: "examples/logos/acme.svg", name: "Acme AI", basis: "written-permission" };
    expect(tenantOf({ branding })?.branding).toEqual({
      ...branding,
      logo: `${repository}/examples/logos/acme.svg`,
    });
  });

  test("certifies tenants where their host offers TLS, and only there", () => {
    expect(tenantOf({})?.certificate).toBeUndefined();
    const config = validConfig();
    config.hosts.local.https = {};
    const { hosts, tenants } = parseFleet("local", config, where);
    expect(hosts[0]?.https).toEqual({ address: "127.0.0.1", port: 8443 });
    expect(tenants.map(({ certificate }) => certificate)).toEqual(["self-signed", "self-signed"]);
  });

  test("keeps the names a tenant had, in lower case, with their last day", () => {
    const former = { domain: "Old.Acme.Example", until: "2027-03-31" };
    expect(tenantOf({ formerDomains: [former] })?.formerDomains).toEqual([
      { domain: "old.acme.example", until: "2027-03-31" },
    ]);
  });

  test("gives an image in place of a version, and a version its image", () => {
    expect(tenantOf({ image: `registry.example:5000/webui@sha256:${"a".repeat(64)}` })?.image).toBe(
      `registry.example:5000/webui@sha256:${"a".repeat(64)}`,
    );
    expect(tenantOf({ version: "v0.6.5-slim" })?.image).toBe("ghcr.io/open-webui/open-webui:v0.6.5-slim");
  });

  test("gives connections without the slash at their end, and an empty key where there is none", () => {
    expect(tenantOf({ connections: [{ url: "https://models.example.com/v1/" }] })?.connections).toEqual([
      { url: "https://models.example.com/v1", key: "" },
    ]);
  });

  test("accepts a connection to a private address that is excepted", () => {
    const tenant = tenantOf({
      connections: [{ url: "http://10.1.2.3/v1", key: "sk-1" }],
      privateEndpoints: ["10.1.2.3:80"],
    });
    expect(tenant?.privateEndpoints).toEqual([{ address: "10.1.2.3", port: 80 }]);
  });

  test("accepts reservations of exactly 70 % of a host's memory", () => {
    expect(refusal(({ hosts }) => (hosts.local.memory = "2GB"))).toBe("accepted");
  });

  test("starts a host's relative folder at the repository", () => {
    const config = validConfig();
    config.hosts.local.root = ".data";
    expect(parseFleet("local", config, where).hosts[0]?.root).toBe(`${repository}/.data`);
  });
});

describe("a config that is wrong", () => {
  test("keeps its problems as values, sorted by their place", () => {
    const config = validConfig();
    config.tenants.acme.cpus = 0;
    config.hosts.local.kind = "hetzner";
    const parse = () => parseFleet("local", config, where);
    expect(parse).toThrow(FleetConfigError);
    expect(parse).toThrow(
      expect.objectContaining({
        code: "FLEET_CONFIG",
        problems: [
          expect.objectContaining({ path: "hosts.local.kind" }),
          expect.objectContaining({ path: "tenants.acme.cpus" }),
        ],
      }),
    );
  });

  test("is named after its stack, whose name must fit container names too", () => {
    expect(refusal(() => {}, "My.Stack")).toBe(
      `Pulumi.My.Stack.yaml has 1 problem. Nothing was changed.

  stack
    found:  "My.Stack", which is not a DNS label
    remedy: name the stack with at most 40 lower-case letters, digits and inner hyphens, such as "my-stack"`,
    );
  });

  test("shows no secret, however wrong everything around it is", () => {
    const secret = "hunter2";
    const message = refusal((config) => {
      config.tenants.acme = {
        connections: [
          { url: `https://${secret}@x.example`, key: [secret], kee: secret },
          secret,
          { key: `;${secret}` },
        ],
        environment: { API_TOKEN: [secret], WEBUI_SECRET_KEY: secret, "-": secret, NESTED: { secret } },
        memory: { secret },
        sync: [secret],
        extra: secret,
      };
      config.tenants.globex = secret;
      config.hosts = secret;
    });
    // A key in a mapping is a name; it is what stands behind it that must not show.
    expect(message.replaceAll("memory.secret", "")).not.toContain(secret);
    expect(message).toContain("problems. Nothing was changed.");
  });
});

describe("the stack's config", () => {
  test("is what the project's own keys hold, JSON or bare text", () => {
    const all = {
      "open-webui-infrastructure:hosts": '{"local":{"kind":"local"}}',
      "open-webui-infrastructure:running": "false",
      "open-webui-infrastructure:tenant": "acme",
      "docker:host": "unix:///var/run/docker.sock",
    };
    expect(stackConfig("open-webui-infrastructure", all)).toEqual({
      hosts: { local: { kind: "local" } },
      running: false,
      tenant: "acme",
    });
  });
});
