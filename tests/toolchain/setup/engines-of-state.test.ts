import { expect, test } from "vitest";
import { enginesOf } from "../../../toolchain/setup/engines-of-state.ts";

const provider = (name: string, inputs: Record<string, unknown>) => ({
  ...{ urn: `urn:${name}`, type: "pulumi:providers:docker", custom: true, id: `id-${name}`, inputs },
});
const container = (name: string, of: string) => ({
  ...{ urn: `urn:${name}`, type: "docker:index/container:Container", custom: true, id: name },
  provider: `urn:${of}::id-${of}`,
});
const far = provider("far", {
  host: "ssh://qbmgr@203.0.113.7",
  sshOpts: JSON.stringify(["-o", "KnownHostsCommand=/bin/echo a b"]),
});
const near = provider("near", { host: "unix:///var/run/docker.sock" });

test("what a state has is asked of the engine that it is on, with the options its provider has", () => {
  const resources = [far, near, container("one", "far"), container("two", "near")];
  const engines = enginesOf({ checkpoint: { latest: { resources } } }).filter(({ resources }) =>
    resources.some(({ type }) => type.startsWith("docker:")),
  );
  const argvs = engines.map(({ remote, command }) => [remote, command(["ps", "--format", "{{.ID}} x"])]);
  const ssh = ["ssh", "-o", "KnownHostsCommand=/bin/echo a b", "-l", "qbmgr", "--", "203.0.113.7"];
  expect(argvs).toEqual([
    [true, [...ssh, "'docker' 'ps' '--format' '{{.ID}} x'"]],
    [false, ["docker", "ps", "--format", "{{.ID}} x"]],
  ]);
});

test("what a killed run had begun is looked for on its own engine; without a state there is none", () => {
  const [engine] = enginesOf({ checkpoint: { latest: { resources: [far] } } }, [container("begun", "far")]);
  expect(engine?.remote).toBe(true);
  expect(enginesOf(undefined)).toEqual([]);
});
