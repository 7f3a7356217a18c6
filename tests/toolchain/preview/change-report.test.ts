import { describe, expect, it } from "vitest";
import type { Change, Report } from "../../../toolchain/preview/change.ts";
import { allowing, refused } from "../../../toolchain/preview/change.ts";
import { ChangeReport } from "../../../toolchain/preview/change-report.ts";
import { subjectText } from "../../../toolchain/preview/report-text.ts";
import { declared, onDroplet, reportOf, stepEvent } from "./events.ts";

/** Each subject with what is said of it, `[risk]` behind what is not harmless. */
const said = (report: Report): Record<string, string[]> =>
  Object.fromEntries(
    report.subjects.map((subject) => [
      subjectText(subject),
      subject.changes.map(({ text, risk, stop }: Change) =>
        [stop ? "STOP: " : "", text, risk === "none" ? "" : ` [${risk}]`].join(""),
      ),
    ]),
  );

const restart = "[restart]";
const told = { "sync nodes": ["are told what is declared now: hosts, tenants, intervals, readers"] };

describe("what a real engine's preview comes to", () => {
  it.each<[string, Record<string, string[]>]>([
    ["nothing", {}],
    [
      "tenant-added",
      {
        "tenant initech on local": ["new tenant at initech.localhost, Open WebUI v0.9.6, on host local"],
        "host local": ["fetches the image ghcr.io/open-webui/open-webui:v0.9.6"],
        replicas: ["the group of initech's readers comes"],
        ...told,
      },
    ],
    [
      "tenant-removed",
      {
        "tenant globex on local": [
          "removed: its container and its address go. Its data, keys and replica stay; the same entry brings it back [outage]",
        ],
        replicas: ["the group of globex's readers goes"],
        ...told,
      },
    ],
    [
      "tenant-stopped",
      { "tenant globex on local": ["stopped: nothing of it runs. Its data stays [outage]"] },
    ],
    [
      "settings",
      {
        "tenant globex on local": [
          `restart: processors 1 → 2, settings or keys in its environment and memory limit 1335 MiB → 1431 MiB ${restart}`,
        ],
      },
    ],
    [
      "domain",
      {
        "tenant acme on local": [
          `restart: its address ${restart}`,
          "address acme.localhost → chat.acme.localhost [outage]",
        ],
        ...told,
      },
    ],
    ["brand", { "tenant acme on local": [`restart: its name ${restart}`, "brand files are drawn anew"] }],
    [
      "downgrade",
      {
        "tenant acme on local": [
          "STOP: Open WebUI v0.11.3 → v0.9.6, an OLDER version: the newer one has changed its database, and this one may not start on it [data]",
        ],
        "host local": ["fetches the image ghcr.io/open-webui/open-webui:v0.9.6"],
      },
    ],
    [
      "both",
      {
        "host local": ["gets a writer, which may write into the databases of tenants that chose it"],
        certificates: ["1 certificate is made; whoever shows one takes it without a restart"],
        ...told,
      },
    ],
    ["intent", { "host local": ["which private addresses its tenants may reach"], ...told }],
    [
      "host",
      {
        "tenant acme on local": [
          `restart: its address ${restart}`,
          "its nginx site is rewritten and taken by a reload, which ends no connection",
        ],
        "tenant globex on local": [
          `restart: its address ${restart}`,
          "its nginx site is rewritten and taken by a reload, which ends no connection",
        ],
        "host local": [
          "the agent is replaced (another port); syncs wait some seconds",
          "nginx's configuration is tested and taken by a reload, which ends no connection",
        ],
        replicas: ["Postgres starts anew (another port); syncs wait, tenants' users notice nothing"],
        "sync nodes": [
          "node a and node b: replaced, one after the other; the other one leads",
          ...told["sync nodes"],
        ],
      },
    ],
    ["alerts", { monitoring: ["Alertmanager starts anew (another configuration)"] }],
    ["reader", { replicas: ["reader ana comes"], ...told }],
    [
      "rotate",
      {
        ...told,
        certificates: [
          "another authority issues certificates from now on; everybody believes both meanwhile",
          "7 certificates are made; whoever shows one takes it without a restart",
        ],
      },
    ],
    [
      "stopped",
      {
        "tenant acme on local": ["stopped: nothing of it runs. Its data stays [outage]"],
        "tenant globex on local": ["stopped: nothing of it runs. Its data stays [outage]"],
        "host local": ["nginx stops [outage]", "the agent stops; replicas stay as they are"],
        replicas: ["Postgres stops; what it holds stays"],
        "sync nodes": ["node a and node b: stopped"],
        monitoring: ["Prometheus stops", "Alertmanager stops"],
      },
    ],
  ])("%s", (name, words) => {
    expect(said(reportOf(name))).toEqual(words);
  });

  it("is as risky as the worst of it", () => {
    const found = ["nothing", "settings", "tenant-stopped", "downgrade"].map((name) => reportOf(name).risk);
    expect(found).toEqual(["none", "restart", "outage", "data"]);
  });
});

describe("an upgrade", () => {
  const image = (op: string, tag: string, id: string) =>
    stepEvent(op, "docker:index/remoteImage:RemoteImage", `local-image-${tag}`, "ClientHost", "local", {
      old: { outputs: { imageId: id, name: `ghcr.io/open-webui/open-webui:${tag}` } },
    });
  const container = (before: string, after: string) =>
    stepEvent("replace", "docker:index/container:Container", "acme-container", "Tenant", "acme", {
      diffs: ["image"],
      old: { inputs: { image: before } },
      new: { inputs: { image: after } },
    });

  it("names both versions, whether the new image is known already or not", () => {
    for (const after of ["sha256:2", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"]) {
      const report = new ChangeReport("local", declared({ version: "v0.11.3" }));
      report.add(image("same", "v0.10.2", "sha256:1"));
      report.add(image("same", "v0.11.3", "sha256:2"));
      report.add(container("sha256:1", after));
      expect(said(report.report())).toEqual({
        "tenant acme on local": [
          "Open WebUI v0.10.2 → v0.11.3, which changes its database when it starts [restart]",
        ],
      });
    }
  });
});

describe("a machine", () => {
  const of = (...events: Parameters<ChangeReport["add"]>[0][]) => {
    const report = new ChangeReport("prod", declared({}));
    for (const event of events) report.add(event);
    return said(report.report());
  };
  const step = (op: string, type: string, part: string, more: object = {}) =>
    stepEvent(op, type, `fra1-a-machine-${part}`, "Machine", "fra1-a-machine", more);

  it("is told of under its host's name", () => {
    const size = { old: { inputs: { size: "s-2vcpu-4gb" } }, new: { inputs: { size: "s-4vcpu-8gb" } } };
    expect(
      of(
        step("update", "digitalocean:index/droplet:Droplet", "droplet", { diffs: ["size"], ...size }),
        step("update", "command:local:Command", "toolbox", { diffs: ["stdin"] }),
        step("update", "command:local:Command", "set-up", { diffs: ["create"] }),
        step("update", "digitalocean:index/firewall:Firewall", "firewall", { diffs: ["inboundRules"] }),
      ),
    ).toEqual({
      "host fra1-a": [
        "the fleet's scripts on it",
        "it is set up again as its entry says; containers go on",
        "the droplet is resized s-2vcpu-4gb → s-4vcpu-8gb: it is switched off for that [restart]",
        "what the firewall in front of it lets through",
      ],
    });
  });

  it("has nothing to do with what all of them share", () => {
    const vpc = stepEvent("create", "digitalocean:index/vpc:Vpc", "cloud-network-fra1", "Cloud", "cloud", {});
    expect(of(vpc)).toEqual({ stack: ["a private network"] });
  });
});

describe("a name", () => {
  it("leads to an address, or to its host while that has none yet", () => {
    const record = (content: string) =>
      stepEvent("create", "cloudflare:index/dnsRecord:DnsRecord", "acme-record", "Tenant", "acme", {
        new: { inputs: { name: "chat.acme.example", content } },
      });
    const words = ["203.0.113.9", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"].map((content) => {
      const report = new ChangeReport("prod", declared({}));
      report.add(record(content));
      return Object.values(said(report.report())).flat();
    });
    expect(words).toEqual([
      ["DNS: chat.acme.example will lead to 203.0.113.9"],
      ["DNS: chat.acme.example will lead to its host"],
    ]);
  });
});

describe("a tenant's database", () => {
  const labels = (url?: string) => ({
    inputs: {
      labels: [
        { label: "owui.environment", value: url ?? "none" },
        ...(url ? [{ label: "owui.database", value: url }] : []),
      ],
    },
  });
  const words = (before?: string, after?: string) => {
    const report = new ChangeReport("prod", declared({}));
    report.add(
      stepEvent("replace", "docker:index/container:Container", "acme-container", "Tenant", "acme", {
        ...{ old: labels(before), new: labels(after), diffs: ["labels"] },
      }),
    );
    return report.report().subjects.flatMap(({ changes }) => changes);
  };

  it("does not become another one by an edit alone", () => {
    const [here, there] = ["postgresql://a@db/acme", "postgresql://a@other/acme"];
    expect(words(undefined, here)).toMatchObject([
      { stop: true, risk: "data", text: expect.stringContaining("`npx fleet promote` does that") },
    ]);
    expect(words(here, undefined)).toMatchObject([
      { stop: true, risk: "data", text: expect.stringContaining("AS THAT WAS BEFORE its promotion") },
    ]);
    expect(words(here, there)).toMatchObject([
      { stop: true, risk: "data", text: expect.stringContaining("ANOTHER Postgres") },
    ]);
    expect(words(here, here)).toMatchObject([{ risk: "restart" }]);
    expect(words(here, here)[0]).not.toHaveProperty("stop");
  });
});

describe("a tenant's container that stopped from outside", () => {
  it("is started anew, for that reason and no other", () => {
    const report = new ChangeReport("prod", declared({}), "drift");
    const diffs = ["mustRun", "ports"];
    report.add(
      stepEvent("replace", "docker:index/container:Container", "acme-container", "Tenant", "acme", { diffs }),
    );
    expect(said(report.report())).toEqual({ "tenant acme on local": ["restart: it had stopped [restart]"] });
    expect(report.report().about).toBe("drift");
  });
});

describe("what must not go unseen", () => {
  const droplet = "digitalocean:index/droplet:Droplet";
  const reported = (...events: Parameters<ChangeReport["add"]>[0][]) => {
    const report = new ChangeReport("prod", declared({}));
    for (const event of events) report.add(event);
    return report.report();
  };
  const replaced = stepEvent("replace", droplet, "fra1-b-droplet", "ClientHost", "fra1-b", {
    diffs: ["image", "userData"],
  });

  it("is a droplet that is replaced", () => {
    const report = reported(replaced);
    expect(said(report)).toEqual({
      "host fra1-b": [
        "STOP: the droplet is replaced (image, userData): its own disk goes, all on it starts anew [replacement]",
      ],
    });
    expect(refused(report)).toBe(true);
  });

  it("is let through for the host that was named, and for no other", () => {
    expect(refused(allowing(reported(replaced), ["fra1-b"]))).toBe(false);
    expect(refused(allowing(reported(replaced), ["fra1-a"]))).toBe(true);
  });

  it.each([
    ["digitalocean:index/volume:Volume", "data"],
    [droplet, "data"],
    ["digitalocean:index/reservedIp:ReservedIp", "replacement"],
    ["postgresql:index/database:Database", "data"],
    ["postgresql:index/schema:Schema", "data"],
  ])("is %s that is deleted", (type, risk) => {
    const report = reported(stepEvent("delete", type, "x", "ClientHost", "fra1-b", {}));
    expect([report.risk, refused(report)]).toEqual([risk, true]);
  });

  it("is anything that was protected, whatever it is", () => {
    const old = { protect: true };
    const report = reported(stepEvent("delete", "some:new:Thing", "vault", "ClientHost", "fra1-b", { old }));
    expect(said(report)).toEqual({
      "host fra1-b": ["STOP: vault, which is protected, would be deleted [data]"],
    });
  });

  it("is a tenant whose database is not where it was", () => {
    const report = reported(
      stepEvent("update", "command:local:Command", "acme-data", "Tenant", "acme", { diffs: ["environment"] }),
    );
    expect([report.risk, refused(report)]).toEqual(["data", true]);
  });

  it.each([
    ["a volume, with which its database comes along", { volume: "20GB" }, false],
    ["no volume, so that its database goes with the machine", {}, true],
  ])("is, on a host whose machine will be another one, only a tenant without it: %s", (_, more, stops) => {
    const unknown = { inputs: { environment: { RUN_AGAIN_FOR: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" } } };
    const report = new ChangeReport("previewed", onDroplet(more));
    report.add(
      stepEvent("update", "command:local:Command", "acme-data", "Tenant", "acme", {
        diffs: ["environment"],
        new: unknown,
      }),
    );
    expect(refused(report.report())).toBe(stops);
  });

  it("is an error of the engine", () => {
    const report = reported({ diagnosticEvent: { severity: "error", message: "no such host" } });
    expect([report.errors, refused(report)]).toEqual([["no such host"], true]);
  });

  it("is named as it is where there are no words for it", () => {
    const report = reported(stepEvent("replace", "some:new:Thing", "lamp", "Stack", "", {}));
    expect(said(report)).toEqual({ stack: ["lamp is replaced [replacement]"] });
  });
});
