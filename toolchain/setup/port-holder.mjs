import { readdir, readFile, readlink } from "node:fs/promises";

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
  const owners = await socketOwners(new Set(inodes.values()));
  return new Map([...inodes].map(([port, inode]) => [port, owners.get(inode) ?? "another user's process"]));
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
