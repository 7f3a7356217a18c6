import { describe, expect, it } from "vitest";
import { carriedOver } from "../../../toolchain/setup/source-edit.ts";

const operators = `# The fleet.
config:
  # Who runs it.
  hosts:
    local:
      kind: local # this machine

  tenants:
    acme:
      host: local
      # The first one comes first.
      connections:
        - url: https://models.example/v1 # ours
    globex: { host: local } # the plain one
`;

const hosts = { local: { kind: "local" } };
const globex = { host: "local" };

describe("a change by Pulumi's config command, carried over into the operator's file", () => {
  it("is the only thing that changes: comments, order and blank lines stay", () => {
    const connections = [{ url: "https://models.example/v1", key: { secure: "v1:abc" } }];
    const after = {
      encryptionsalt: "v1:salt",
      config: {
        "open-webui-infrastructure:hosts": hosts,
        "open-webui-infrastructure:tenants": { acme: { host: "local", connections }, globex },
      },
    };
    expect(carriedOver(operators, after)).toBe(
      `${operators.replace("# ours\n", "# ours\n          key:\n            secure: v1:abc\n")}encryptionsalt: v1:salt\n`,
    );
  });

  it("can be a value that is taken out", () => {
    const acme = { host: "local", connections: [{ url: "https://models.example/v1" }] };
    expect(carriedOver(operators, { config: { hosts, tenants: { acme } } })).toBe(
      operators.replace("    globex: { host: local } # the plain one\n", ""),
    );
  });

  it("leaves the file as it is when there is none, whatever salt the run's file has", () => {
    const acme = { host: "local", connections: [{ url: "https://models.example/v1" }] };
    const same = { encryptionsalt: "v1:salt", config: { hosts, tenants: { acme, globex } } };
    expect(carriedOver(operators, same)).toBe(operators);
  });

  it("leaves the blanks inside of brackets as they were written", () => {
    const text =
      "config:\n  zones: [a.example, b.example]\n  hosts: { local: { kind: local } }\n  keys: [a]\n";
    const zones = ["a.example", "b.example"];
    const after = { zones, hosts: { local: { kind: "local" } }, keys: ["b"], state: { kind: "s3" } };
    const edited = text.replace("keys: [a]", "keys: [ b ]");
    expect(carriedOver(text, { config: after })).toBe(`${edited}  state:\n    kind: s3\n`);
  });

  it("is written with bare keys into a file whose keys bear the project's name", () => {
    const before = "config:\n  open-webui-infrastructure:running: true\n";
    expect(carriedOver(before, { config: { running: false } })).toBe("config:\n  running: false\n");
  });
});
