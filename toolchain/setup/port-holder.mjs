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

/**
 * Who listens on which port of this machine, in words.
 *
 * @returns {Promise<Map<number, string>>}
 */
export async function holders() {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((file) => readFile(file, "utf8").catch(() => "")),
  );
  const inodes = new Map(tables.flatMap((table) => [...listening(table)]));
  const [owners, published] = await Promise.all([socketOwners(new Set(inodes.values())), publishedPorts()]);
  return new Map(
    [...inodes].map(([port, inode]) => [
      port,
      published.get(port) ?? owners.get(inode) ?? "another user's process",
    ]),
  );
}

/** Ports that containers publish: the engine's own process listens there, which says nothing. */
async function publishedPorts() {
  const { stdout } = await run(["docker", "ps", "--format", "{{.Names}}\t{{.Ports}}"]);
  const rows = stdout.split("\n").map((line) => line.split("\t"));
  return new Map(
    rows.flatMap(([name, ports = ""]) =>
      [...ports.matchAll(/:(\d+)->/g)].map(
        ([, port]) => /** @type {const} */ ([Number(port), `container ${name}`]),
      ),
    ),
  );
}

/**
 * The processes behind sockets, as far as this user may look.
 *
 * @param {ReadonlySet<string>} inodes
 * @returns {Promise<Map<string, string>>}
 */
async function socketOwners(inodes) {
  const owners = new Map();
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of processes) {
    for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (!inode || !inodes.has(inode)) continue;
      const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "a process");
      owners.set(inode, `${name.trim()} (process ${pid})`);
    }
  }
  return owners;
}
