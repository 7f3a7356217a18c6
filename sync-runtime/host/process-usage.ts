import { readFile } from "node:fs/promises";

/** USER_HZ, in which the kernel tells every process' time. */
const TICKS_PER_SECOND = 100;

/** RssAnon of a process in bytes: pages of files do not count; 0 when it is gone. */
export async function anonymousBytes(pid: number | "self" | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Time that a process and its threads have had a processor; 0 when it is gone. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export async function processorSeconds(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // Behind the name, which may hold anything, the first field is the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}
