import { readdir, readFile, readlink } from "node:fs/promises";
import { run } from "./child.mjs";

/** Listening sockets of a table of /proc/net: inode by port, unless bound to one address that is not the loopback. */
export function listening(/** @type {string} */ table) {
  const rows = table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  const open = rows.filter(
    ([, local = "", , state]) => state === "0A" && conflicts(local.split(":")[0] ?? ""),
  );
  return new Map(open.map((row) => [Number.parseInt(row[1]?.split(":")[1] ?? "", 16), row[9] ?? ""]));
}

/** Whether a listener at a hexadecimal address keeps others from 127.0.0.1: it is any address or a loopback one. */
const conflicts = (/** @type {string} */ address) =>
  /^0+$/.test(address) || /^[0-9A-F]{6}7F$/.test(address) || /^0{24}01000000$/.test(address);

/** Who holds a port when this user may not see whose socket it is. */
export const unseenHolder = "another user's process";

/** How the holder of a port is called that a container holds. */
export const containerHolder = (/** @type {string} */ name) => `container ${name}`;

/**
 * Who listens on which port of this machine, in words.
 *
 * @returns {Promise<Map<number, string>>}
 */
export async function holders() {
  const [tables, containers] = await Promise.all([
    Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((file) => readFile(file, "utf8").catch(() => ""))),
    runningContainers(),
  ]);
  const inodes = new Map(tables.flatMap((table) => [...listening(table)]));
  const owners = await socketOwners(new Set(inodes.values()), containers);
  const published = publishedPorts(containers);
  return new Map(
    [...inodes].map(([port, inode]) => [port, published.get(port) ?? owners.get(inode) ?? unseenHolder]),
  );
}

/** @typedef {{ id: string, name: string, ports: string }} RunningContainer */

/** @returns {Promise<RunningContainer[]>} */
async function runningContainers() {
  const format = "{{.ID}}\t{{.Names}}\t{{.Ports}}";
  const { stdout } = await run(["docker", "ps", "--no-trunc", "--format", format]);
  const rows = stdout.split("\n").filter(Boolean);
  return rows.map((row) => {
    const [id = "", name = "", ports = ""] = row.split("\t");
    return { id, name, ports };
  });
}

/**
 * Ports that containers publish: the engine's own process listens there, which says nothing.
 *
 * @param {RunningContainer[]} containers
 */
const publishedPorts = (containers) =>
  new Map(
    containers.flatMap(({ name, ports }) =>
      [...ports.matchAll(/:(\d+)->/g)].map(
        ([, port]) => /** @type {const} */ ([Number(port), containerHolder(name)]),
      ),
    ),
  );

/**
 * The processes behind sockets, as far as this user may look; one inside a container on the host's network counts
 * as the container.
 *
 * @param {ReadonlySet<string>} inodes
 * @param {RunningContainer[]} containers
 * @returns {Promise<Map<string, string>>}
 */
async function socketOwners(inodes, containers) {
  const owners = new Map();
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of processes) {
    for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (!inode || !inodes.has(inode)) continue;
      const groups = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
      const container = containers.find(({ id }) => groups.includes(id));
      const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "a process");
      owners.set(inode, container ? containerHolder(container.name) : `${name.trim()} (process ${pid})`);
    }
  }
  return owners;
}
