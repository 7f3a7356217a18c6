import { describe, expect, it } from "vitest";
import type { Machine } from "../../../toolchain/setup/machine.mjs";
import {
  machineProblems,
  machineText,
  namedPorts,
  portProblems,
} from "../../../toolchain/setup/machine-check.mjs";
import { unseenHolder } from "../../../toolchain/setup/port-holder.mjs";
import { SetupError } from "../../../toolchain/setup/problem.mjs";

/** A bare Debian machine that will do: root, Go, room, nothing installed. */
const bare: Machine = {
  node: "20.11.0",
  root: true,
  sudo: true,
  system: "debian",
  apt: true,
  engineInstalled: false,
  go: "1.26.8",
  commandLine: false,
  download: true,
  registry: true,
  images: false,
  disk: { path: "/var/lib/docker", free: 80e9 },
};

/** A machine of somebody who has everything but root. */
const equipped: Machine = {
  ...bare,
  root: false,
  engine: "28.2.2",
  engineInstalled: true,
  commandLine: true,
  images: true,
};

const texts = (machine: Machine) => new SetupError(machineProblems(machine)).message;

describe("a machine", () => {
  it.each([
    ["bare Debian as root", bare],
    ["one with an engine, CLI and images, without root", equipped],
    [
      "one whose installed engine only has to be started by root",
      { ...bare, apt: false, engineInstalled: true },
    ],
    ["one without Go that reaches Pulumi's downloads", { ...bare, go: undefined }],
    [
      "one with a CLI and neither Go nor downloads",
      { ...bare, go: undefined, download: false, commandLine: true },
    ],
    ["one with 3 GB free when the images are there", { ...equipped, disk: { path: "/", free: 3e9 } }],
  ] satisfies [string, Machine][])("is accepted: %s", (_, machine) => {
    expect(machineProblems(machine)).toEqual([]);
  });

  it("is refused with an old Node", () => {
    expect(texts({ ...equipped, node: "18.19.0" })).toBe(`
  ✗ Node.js 20 or newer is needed, this is 18.19.0.
    why:    Everything here runs on it until the project's own Node 24 is installed.
    remedy: Install a newer Node.js: https://nodejs.org/en/download

Nothing was changed.`);
  });

  it("is refused without an engine where only root could install one", () => {
    expect(texts({ ...equipped, engine: undefined, engineInstalled: false })).toBe(`
  ✗ There is no Docker engine.
    why:    Every part of the fleet runs in containers, and only root may install or start an engine.
    remedy: Install it (https://docs.docker.com/engine/install) and join its group, or run this as root on Debian or Ubuntu.

Nothing was changed.`);
  });

  it("is refused without an engine as root of another system", () => {
    expect(texts({ ...bare, system: "fedora", apt: false })).toContain(
      "packages are only installed on Debian and Ubuntu, not on fedora.",
    );
  });

  it("is refused to a user who cannot become root", () => {
    expect(texts({ ...equipped, sudo: false })).toBe(`
  ✗ This user is not root, and sudo asks for a password.
    why:    Tenants' directories belong to users of their own, and rules keep tenants from private networks: only root sets them.
    remedy: Run this as root, or let this user use sudo without a password.

Nothing was changed.`);
  });

  it("is refused with an engine that is installed but out of this user's reach", () => {
    expect(texts({ ...equipped, engine: undefined })).toBe(`
  ✗ The Docker engine is installed but does not answer.
    why:    Every part of the fleet runs in containers, and only root may install or start an engine.
    remedy: Start it (\`sudo systemctl start docker\`) and join its group (\`sudo usermod -aG docker $USER\`, then sign in again), or run this as root.

Nothing was changed.`);
  });

  it.each(["19.03.15", "18.09", "20.9.1"])("is refused with Docker %s", (engine) => {
    expect(texts({ ...equipped, engine })).toBe(`
  ✗ Docker engine 20.10 or newer is needed, this is ${engine}.
    why:    Older ones lack BuildKit's build secrets and fixed mounts that fail when their source is missing.
    remedy: Upgrade it: https://docs.docker.com/engine/install

Nothing was changed.`);
  });

  it("is accepted with Debian's spelling of an engine's version", () => {
    expect(machineProblems({ ...equipped, engine: "20.10.24+dfsg1" })).toEqual([]);
  });

  it("is refused without any way to a Pulumi CLI", () => {
    expect(texts({ ...equipped, commandLine: false, download: false, go: undefined })).toBe(`
  ✗ There is no Pulumi CLI, get.pulumi.com does not answer, and there is no Go to build one with.
    why:    Pulumi's engine declares the fleet.
    remedy: Install the CLI (https://www.pulumi.com/docs/install) or Go 1.21 or newer (https://go.dev/dl), or let this machine reach get.pulumi.com.

Nothing was changed.`);
  });

  it("is refused when its Go is too old to fetch a newer one", () => {
    expect(texts({ ...equipped, commandLine: false, download: false, go: "1.19.8" })).toContain(
      "and Go 1.19.8 is too old to build one.",
    );
  });

  it("is refused when images are missing and nobody may build them", () => {
    expect(texts({ ...equipped, images: false, registry: false })).toBe(`
  ✗ Images are missing, and Docker Hub does not answer.
    why:    They can be built from Debian's packages instead, but only by root on Debian or Ubuntu.
    remedy: Let this machine reach a registry, load the images with \`docker load\`, or run this as root on Debian or Ubuntu.

Nothing was changed.`);
  });

  it("is refused when its disk is short for a first run", () => {
    expect(texts({ ...bare, disk: { path: "/var/lib/docker", free: 11.4e9 } })).toBe(`
  ✗ 12.0 GB of free disk are needed at /var/lib/docker, 11.4 GB are there.
    why:    The images of a first run take most of it.
    remedy: Make room, for example with \`docker image prune\`, or move Docker's data to a larger disk.

Nothing was changed.`);
  });

  it("is refused when its disk is short for a later run", () => {
    expect(texts({ ...equipped, disk: { path: "/", free: 1.9e9 } })).toContain(
      "2.0 GB of free disk are needed at /,",
    );
  });

  it("is told everything at once", () => {
    const hopeless: Machine = {
      ...bare,
      node: "18.0.0",
      root: false,
      go: undefined,
      download: false,
      registry: false,
      disk: { path: "/", free: 0 },
    };
    expect(machineProblems(hopeless).map(({ what }) => what)).toEqual([
      "Node.js 20 or newer is needed, this is 18.0.0.",
      "There is no Docker engine.",
      "There is no Pulumi CLI, get.pulumi.com does not answer, and there is no Go to build one with.",
      "Images are missing, and Docker Hub does not answer.",
      "12.0 GB of free disk are needed at /, 0.0 GB are there.",
    ]);
  });

  it("is described in one line", () => {
    expect(machineText(bare)).toBe("Node 20.11.0, debian as root, no Docker engine yet, 80.0 GB free");
    expect(machineText(equipped)).toBe("Node 20.11.0, debian, Docker 28.2.2, 80.0 GB free");
  });
});

describe("the ports of a fleet", () => {
  const claimed = [
    { port: 8080, use: "nginx of host local", container: "owui-local-nginx" },
    { port: 9443, use: "node a", container: "owui-local-node-a" },
  ];

  it("may be held by the container it is for", () => {
    const held = new Map([[8080, "container owui-local-nginx"]]);
    expect(portProblems(claimed, held, new Set(["owui-local-nginx"]))).toEqual([]);
  });

  it("are believed to be held by their container when it runs and nothing can be seen", () => {
    const held = new Map([[8080, unseenHolder]]);
    expect(portProblems(claimed, held, new Set(["owui-local-nginx"]))).toEqual([]);
    expect(portProblems(claimed, held, new Set())).toHaveLength(1);
  });

  it("may not be held by another when their container runs, on a port it had before", () => {
    const held = new Map([[8080, "python3 (process 4711)"]]);
    expect(portProblems(claimed, held, new Set(["owui-local-nginx"]))).toHaveLength(1);
  });

  it("may not be held by anybody else, who is named", () => {
    const held = new Map([
      [8080, "python3 (process 4711)"],
      [9443, "container registry"],
      [22, "sshd (process 1)"],
    ]);
    expect(new SetupError(portProblems(claimed, held, new Set())).message).toBe(`
  ✗ Port 8080 is taken by python3 (process 4711).
    why:    The fleet needs it for nginx of host local.
    remedy: Stop what holds it, or give the fleet another port in the stack's config.

  ✗ Port 9443 is taken by container registry.
    why:    The fleet needs it for node a.
    remedy: Stop what holds it, or give the fleet another port in the stack's config.

Nothing was changed.`);
  });

  it("are found in a config before YAML can be read, those commented out left aside", () => {
    const yaml = `
      http:
        port: 8080 # not 9999
      agentPort: 8050
      nodes: { a: { port: 9443 }, b: {port: 9444} }
      # port: 1
      privateEndpoints: ["10.1.2.3:8000"]`;
    expect(namedPorts(yaml)).toEqual([8080, 8050, 9443, 9444]);
  });
});
