import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { run } from "./child.mjs";
import { olderThan } from "./command-line.mjs";
import { probeMachine } from "./machine.mjs";
import { repository } from "./paths.mjs";
import { containerHolder, holders, unseenHolder } from "./port-holder.mjs";
import { SetupError } from "./problem.mjs";

/** @typedef {import("./machine.mjs").Machine} Machine */
/** @typedef {import("./problem.mjs").Problem} Problem */

/** Oldest that will do: BuildKit's build secrets, host-gateway; `go tool` and toolchain downloads. */
const oldest = { node: "20", engine: "20.10", go: "1.21" };

/** Bytes: images and layers of a first run measured 6 GB, a Go build 3 GB; later runs only add tenants' data. */
const space = { first: 12e9, later: 2e9 };

/**
 * Everything that keeps this machine from running a fleet.
 *
 * @param {Machine} machine
 * @returns {Problem[]}
 */
export function machineProblems(machine) {
  const { node, engine, engineInstalled, root, apt, system, go, images, disk } = machine;
  const canInstall = root && apt;
  const need = images ? space.later : space.first;
  const mayBuild = go !== undefined && !olderThan(go, oldest.go);
  return [
    ...problem(olderThan(node, oldest.node), {
      what: `Node.js ${oldest.node} or newer is needed, this is ${node}.`,
      why: "Everything here runs on it until the project's own Node 24 is installed.",
      remedy: "Install a newer Node.js: https://nodejs.org/en/download",
    }),
    ...problem(!engine && !canInstall && !(root && engineInstalled), {
      what: engineInstalled
        ? "The Docker engine is installed but does not answer."
        : "There is no Docker engine.",
      why: root
        ? `Every part of the fleet runs in containers, and packages are only installed on Debian and Ubuntu, not on ${system}.`
        : "Every part of the fleet runs in containers, and only root may install or start an engine.",
      remedy: engineInstalled
        ? "Start it (`sudo systemctl start docker`) and join its group (`sudo usermod -aG docker $USER`, then sign in again), or run this as root."
        : "Install it (https://docs.docker.com/engine/install) and join its group, or run this as root on Debian or Ubuntu.",
    }),
    ...problem(!machine.sudo, {
      what: "This user is not root, and sudo asks for a password.",
      why: "Tenants' directories belong to users of their own, and rules keep tenants from private networks: only root sets them.",
      remedy: "Run this as root, or let this user use sudo without a password.",
    }),
    ...problem(engine !== undefined && olderThan(engine, oldest.engine), {
      what: `Docker engine ${oldest.engine} or newer is needed, this is ${engine}.`,
      why: "Older ones lack BuildKit's build secrets and fixed mounts that fail when their source is missing.",
      remedy: "Upgrade it: https://docs.docker.com/engine/install",
    }),
    ...problem(!machine.commandLine && !machine.download && !mayBuild, {
      what: `There is no Pulumi CLI, get.pulumi.com does not answer, and ${go ? `Go ${go} is too old to build one` : "there is no Go to build one with"}.`,
      why: "Pulumi's engine declares the fleet.",
      remedy: `Install the CLI (https://www.pulumi.com/docs/install) or Go ${oldest.go} or newer (https://go.dev/dl), or let this machine reach get.pulumi.com.`,
    }),
    ...problem(!machine.registry && !canInstall, {
      what: "Images are missing, and Docker Hub does not answer.",
      why: "They can be built from Debian's packages instead, but only by root on Debian or Ubuntu.",
      remedy:
        "Let this machine reach a registry, load the images with `docker load`, or run this as root on Debian or Ubuntu.",
    }),
    ...problem(disk.free < need, {
      what: `${gigabytes(need)} of free disk are needed at ${disk.path}, ${gigabytes(disk.free)} are there.`,
      why: images
        ? "Tenants' databases and their replicas grow."
        : "The images of a first run take most of it.",
      remedy: "Make room, for example with `docker image prune`, or move Docker's data to a larger disk.",
    }),
  ];
}

/**
 * @param {boolean} is
 * @param {Problem} what
 */
const problem = (is, what) => (is ? [what] : []);

const gigabytes = (/** @type {number} */ bytes) => `${(bytes / 1e9).toFixed(1)} GB`;

/**
 * A port of the fleet and who is to hold it.
 *
 * @typedef {{ port: number, use: string, container: string }} ClaimedPort
 */

/**
 * The ports that somebody else holds.
 *
 * @param {ClaimedPort[]} claimed
 * @param {ReadonlyMap<number, string>} held by whom, in words
 * @param {ReadonlySet<string>} running names of the fleet's own containers
 * @returns {Problem[]}
 */
export const portProblems = (claimed, held, running) =>
  claimed
    .filter(({ port, container }) => {
      const holder = held.get(port);
      // Where nothing can be seen, a container that runs is taken to hold what is claimed for it.
      const own =
        holder === containerHolder(container) || (holder === unseenHolder && running.has(container));
      return holder !== undefined && !own;
    })
    .map(({ port, use }) => ({
      what: `Port ${port} is taken by ${held.get(port)}.`,
      why: `The fleet needs it for ${use}.`,
      remedy: "Stop what holds it, or give the fleet another port in the stack's config.",
    }));

/**
 * The ports a config names, for the time before a YAML parser is installed: every number behind `port:` or
 * `agentPort:` that is not commented out. Defaults are looked at later, with everything else the config says.
 *
 * @param {string} yaml
 * @returns {number[]}
 */
export const namedPorts = (yaml) =>
  [...yaml.replaceAll(/(^|\s)#.*$/gm, "").matchAll(/\b(?:port|agentPort):\s*(\d+)\b/g)].map(([, port]) =>
    Number(port),
  );

/**
 * The step before anything is installed.
 *
 * @param {string[]} argv of the command
 */
export async function checkMachine(argv) {
  const { values } = parseArgs({
    args: argv,
    strict: false,
    options: { stack: { type: "string", default: "local" }, "config-file": { type: "string" } },
  });
  const file = values["config-file"] ?? join(repository, `Pulumi.${values.stack}.yaml`);
  const [machine, config, held, own] = await Promise.all([
    probeMachine(),
    readFile(String(file), "utf8").catch(() => ""),
    holders(),
    run(["docker", "ps", "--quiet", "--filter", `label=owui.stack=${values.stack}`]),
  ]);
  const fleetRuns = own.stdout.trim() !== "";
  const claimed = namedPorts(config).map((port) => ({ port, use: String(file), container: "" }));
  const problems = [
    ...machineProblems(machine),
    ...(fleetRuns ? [] : portProblems(claimed, held, new Set())),
  ];
  if (problems.length > 0) throw new SetupError(problems);
  return machineText(machine);
}

/** @param {Machine} machine */
export const machineText = ({ node, system, root, engine, disk }) =>
  `Node ${node}, ${system}${root ? " as root" : ""}, ${engine ? `Docker ${engine}` : "no Docker engine yet"}, ${gigabytes(disk.free)} free`;
