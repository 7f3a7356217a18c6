import { describe, expect, test } from "vitest";
import { brandingBasis } from "../../policy/branding-rules.ts";
import type { Container } from "../../policy/container.ts";
import { confined, publishedPorts } from "../../policy/container-rules.ts";
import { protectedData } from "../../policy/data-rules.ts";
import { imageByContent, imageByDigest } from "../../policy/image-rules.ts";
import { secretFreeCommand, secretFreeContainer } from "../../policy/secret-rules.ts";
import { tenantContainer } from "./container.ts";

const digest = "0".repeat(64);

describe("power over the host", () => {
  test("is what nginx has not: ports below 1024 and users of its own", () => {
    const adds = ["CAP_CHOWN", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"];
    expect(confined(tenantContainer({ capabilities: { adds, drops: ["ALL"] } }))).toEqual([]);
  });

  test.each<[string, Partial<Container>]>([
    ["the capability CAP_SYS_ADMIN", { capabilities: { adds: ["CAP_SYS_ADMIN"] } }],
    ["the capability ALL", { capabilities: { adds: ["ALL"] } }],
    ["the host's pid namespace", { pidMode: "host" }],
    ["the host's ipc namespace", { ipcMode: "host" }],
    ["the host's userns namespace", { usernsMode: "host" }],
    ["the host's device /dev/sda", { devices: [{ hostPath: "/dev/sda" }] }],
  ])("is %s", (what, changes) => {
    expect(confined(tenantContainer(changes))).toEqual([expect.stringContaining(what)]);
  });
});

describe("a published port", () => {
  test.each(["127.0.0.1", "10.0.0.5"])("passes at %s", (ip) => {
    expect(publishedPorts(tenantContainer({ ports: [{ internal: 8050, ip }] }))).toEqual([]);
  });

  test.each([undefined, "", "0.0.0.0", "::"])("fails at %j", (ip) => {
    const ports = [{ internal: 8050, ...(ip === undefined ? {} : { ip }) }];
    expect(publishedPorts(tenantContainer({ ports }))).toEqual([
      expect.stringContaining("its port 8050 on every address of the host"),
    ]);
  });

  test("passes while its address is known only after up", () => {
    const port = {
      internal: 8050,
      get ip(): string {
        throw new Error("string value at .ports.0.ip can't be known during preview");
      },
    };
    expect(publishedPorts(tenantContainer({ ports: [port] }))).toEqual([]);
  });
});

describe("an image", () => {
  test.each([`sha256:${digest}`, `ghcr.io/x/y:v1@sha256:${digest}`, "owui-sync-runtime:0123456789abcdef"])(
    "passes as %s",
    (image) => expect(imageByContent(tenantContainer({ image }))).toEqual([]),
  );

  test.each(["nginx", "nginx:stable", "ghcr.io/open-webui/open-webui:v0.11.3", "sha256:", "evil-sha256:abc"])(
    "fails as %s",
    (image) => {
      expect(imageByContent(tenantContainer({ image }))).toEqual([
        `The container runs ${image}, a name that may mean another image tomorrow. Name the image by its id or its digest.`,
      ]);
    },
  );

  test("is asked for by digest", () => {
    expect(imageByDigest(`nginx:stable@sha256:${digest}`)).toEqual([]);
    expect(imageByDigest("nginx:stable")).toEqual([expect.stringContaining("nginx:stable@sha256:…")]);
    expect(imageByDigest("nginx:stable", ["node:24"])).toHaveLength(1);
  });

  test("has no digest to ask for where it was built here", () => {
    expect(imageByDigest("nginx:stable", ["nginx:stable"])).toEqual([]);
  });
});

describe("a secret", () => {
  test("is in no environment and no label as the components declare them", () => {
    const envs = ["WEBUI_URL=https://x", "OPENAI_API_KEYS=", "RAG_EMBEDDING_ENGINE=openai"];
    expect(secretFreeContainer(tenantContainer({ envs }))).toEqual([]);
  });

  test.each<[string, Partial<Container>]>([
    ["its environment, as OPENAI_API_KEY", { envs: ["OPENAI_API_KEY=sk-1"] }],
    ["its environment, as DB_PASSWORD", { envs: ["A=b", "DB_PASSWORD=x\ny"] }],
    ["its label key", { labels: [{ label: "key", value: "-----BEGIN PRIVATE KEY-----" }] }],
  ])("in %s fails", (where, changes) => {
    expect(secretFreeContainer(tenantContainer(changes))).toEqual([expect.stringContaining(where)]);
  });

  test("is never shown by what finds it", () => {
    expect(secretFreeContainer(tenantContainer({ envs: ["X_KEY=sk-1"] })).join()).not.toContain("sk-1");
    expect(secretFreeCommand({ create: "X_KEY=sk-1 sh x" }).join()).not.toContain("sk-1");
  });

  test("goes to commands by standard input", () => {
    const create = "ROOT='/data' TENANT='acme' KEY='' sh components/host/layout.sh";
    expect(
      secretFreeCommand({ create, stdin: "-----BEGIN PRIVATE KEY-----", environment: { X: "1" } }),
    ).toEqual([]);
  });

  test.each([
    ["its create text", { create: "PGPASSWORD='x' psql" }],
    ["its delete text", { delete: "echo '-----BEGIN OPENSSH PRIVATE KEY-----'" }],
    ["its environment, as API_TOKEN", { environment: { API_TOKEN: "x" } }],
  ])("in %s fails", (where, inputs) => {
    expect(secretFreeCommand(inputs)).toEqual([expect.stringContaining(where)]);
  });
});

describe("a look of one's own", () => {
  const branded: Partial<Container>[] = [
    { envs: ["WEBUI_NAME=Acme AI"] },
    {
      mounts: [{ type: "bind", source: "/x/logo.png", target: "/app/build/static/logo.png", readOnly: true }],
    },
  ];

  test.each(branded)("passes with a declared basis: %j", (changes) => {
    expect(brandingBasis(tenantContainer(changes), { acme: "up-to-50-users" })).toEqual([]);
  });

  test.each(branded)("fails without: %j", (changes) => {
    expect(brandingBasis(tenantContainer(changes), { globex: "up-to-50-users" })).toEqual([
      "Tenant acme shows a look of its own and declares no basis for it, which Open WebUI's licence asks for. Write branding.basis in its entry.",
    ]);
  });

  test("is none without name and files", () => {
    expect(brandingBasis(tenantContainer(), {})).toEqual([]);
  });
});

describe("a machine of the cloud", () => {
  test.each(["droplet:Droplet", "volume:Volume", "reservedIp:ReservedIp"])("%s is protected", (name) => {
    const type = `digitalocean:index/${name}`;
    expect(protectedData(type, { protect: true }, "x")).toEqual([]);
    expect(protectedData(type, { protect: false }, "x")).toEqual([expect.stringContaining("protect: true")]);
  });
});
