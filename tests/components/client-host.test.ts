import { describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import { type Declaration, declaredBy, isSecret, plain, unknown } from "./engine.ts";
import { declareHost, hostSpec, tenantSpec } from "./specs.ts";

const declared = (options?: { preview: boolean }) => declaredBy(() => void declareHost(), options);

/** As declared with nothing special; what several tests look at. */
const host = await declared();

describe("a host", () => {
  it("declares its directories, its rules and what runs on it, all below itself", () => {
    expect(host.below("local")).toEqual([
      "local-agent",
      "local-agent-certificate",
      "local-agent-key",
      "local-agent-request",
      "local-agent-tls",
      "local-control",
      "local-directories",
      "local-docker",
      "local-egress",
      "local-image-nginx:stable-bookworm",
      "local-nginx",
      "local-nginx-config",
      "local-runtime-image",
      "local-salt",
    ]);
  });

  it("keeps everything but containers and networks while the fleet does not run", async () => {
    const host = await declaredBy(() => void declareHost({ running: false }));
    expect(host.ofType("Container")).toEqual([]);
    expect(host.ofType("Network")).toEqual([]);
    expect(host.below("local")).toEqual(
      expect.arrayContaining([
        "local-directories",
        "local-agent-certificate",
        "local-salt",
        "local-nginx-config",
      ]),
    );
  });

  it("says in a preview what it can know then", async () => {
    const host = await declared({ preview: true });
    const { labels, image, ...nginx } = host.one("local-nginx").inputs;
    expect(image).toEqual(unknown);
    expect(nginx).toMatchObject({ name: "owui-test-nginx", networkMode: "host" });
  });
});

describe("nginx on a host", () => {
  it("reads its configuration from a directory it cannot write, with the few capabilities it needs", () => {
    const { inputs } = host.one("local-nginx");
    expect(inputs).toMatchObject({
      readOnly: true,
      entrypoints: ["nginx"],
      command: ["-c", "/etc/fleet/nginx.conf", "-g", "daemon off;"],
      mounts: [{ type: "bind", source: "/srv/fleet/nginx", target: "/etc/fleet", readOnly: true }],
      capabilities: {
        adds: ["CAP_CHOWN", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"],
        drops: ["ALL"],
      },
    });
  });

  it("starts once its configuration is there", () => {
    expect(host.one("local-nginx").after).toContain("local-nginx-config");
  });
});

describe("the agent on a host", () => {
  it("runs as nobody in particular, reads tenants and writes nothing but its state", () => {
    const { inputs } = host.one("local-agent");
    expect(inputs).toMatchObject({
      user: "8050:8050",
      readOnly: true,
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges:true"],
      mounts: [
        { source: "/srv/fleet/tenants", target: "/tenants", readOnly: true },
        { source: "/srv/fleet/agent/config", target: "/etc/fleet", readOnly: true },
        { source: "/srv/fleet/agent/state", target: "/state", readOnly: false },
      ],
      ports: [{ internal: 8050, external: 8050, ip: "127.0.0.1", protocol: "tcp" }],
      networksAdvanced: [{ name: "local-control-id", aliases: ["agent.local"] }],
    });
  });

  it("gets its key by standard input, as a secret", () => {
    const { inputs, secretOutputs } = host.one("local-agent-tls");
    expect(JSON.stringify({ ...inputs, stdin: "" })).not.toContain("key of");
    expect(fileOf(host, "agent/config/tls.key")).toBe("private key of local-agent-key");
    expect(secretOutputs).toEqual(["stdout"]);
  });

  it("starts once its certificate is there, and is left alone by another authority", async () => {
    expect(host.one("local-agent").after).toContain("local-agent-tls");
    const rotated = await declaredBy(
      () => void declareHost({ authority: new CertificateAuthority("other", { generation: 2 }) }),
    );
    expect(rotated.one("local-agent").inputs).toEqual(host.one("local-agent").inputs);
    expect(rotated.one("local-agent-tls").inputs).not.toEqual(host.one("local-agent-tls").inputs);
  });

  it("is the same whatever tenants there are", async () => {
    const without = host.one("local-agent");
    const tenants = [tenantSpec({ privateEndpoints: [{ address: "10.1.2.3", port: 8000 }] })];
    const having = await declaredBy(() => void declareHost({ tenants }));
    expect(having.one("local-agent").inputs).toEqual(without.inputs);
    expect(having.one("local-nginx").inputs).toEqual(host.one("local-nginx").inputs);
  });
});

describe("a host's rules for tenants", () => {
  it("are made anew after a start of the machine, and know the exceptions", async () => {
    const tenants = [tenantSpec({ privateEndpoints: [{ address: "10.1.2.3", port: 8000 }] })];
    const { inputs } = (await declaredBy(() => void declareHost({ tenants }))).one("local-egress");
    expect(inputs.stdin).toBe("owt01234567 10.1.2.3 8000\n");
    expect(inputs.environment.RUN_AGAIN_FOR).toMatch(/^[0-9a-f]{16}[0-9a-f-]{36}$/);
  });
});

describe("a host's helpers", () => {
  it("fetch an image once however many ask for it", async () => {
    const images = await declaredBy(() => {
      const { host } = declareHost({ running: false });
      host.image("example:1");
      host.image("example:1");
      host.image("example:2");
    });
    expect(images.ofType("RemoteImage").sort()).toEqual(["local-image-example:1", "local-image-example:2"]);
  });

  it("tell contents apart by a label that is no secret and not the content's bare digest", async () => {
    const fingerprints: Record<string, string> = {};
    await declaredBy(() => {
      const { host } = declareHost({ running: false });
      for (const content of ["one", "other"]) {
        host.fingerprint(content).apply((label) => {
          fingerprints[content] = label;
        });
      }
    });
    expect(fingerprints.one).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprints.one).not.toBe(fingerprints.other);
  });

  it("let a caller change a container just before it is declared", async () => {
    const host = await declaredBy(
      () => void declareHost({ transform: { nginx: (args) => ({ ...args, memory: 64 }) } }),
    );
    expect(host.one("local-nginx").inputs.memory).toBe(64);
    expect(host.one("local-agent").inputs.memory).toBe(512);
  });
});

/** Content of a file that comes with the agent's certificate. */
function fileOf(host: Declaration, path: string): string | undefined {
  const { stdin } = host.one("local-agent-tls").inputs;
  expect(isSecret(stdin)).toBe(true);
  const line = String(plain(stdin))
    .split("\n")
    .find((candidate) => candidate.includes(` ${path} `));
  return line && Buffer.from(line.split(" ").at(-1) ?? "", "base64").toString();
}

it("knows where its data lies", async () => {
  await declaredBy(() => {
    const { host } = declareHost({ running: false });
    expect(host.path("tenants", "acme")).toBe(`${hostSpec.root}/tenants/acme`);
  });
});
