import { readdir, readFile } from "node:fs/promises";

/**
 * Ends what a program that was killed left behind: its children, and theirs, go on without it. They are known by a setting
 * of their environment, which nothing else has.
 *
 * @param mark `NAME=value`
 * @returns their process ids; none where the system does not tell of processes
 */
export async function endOrphans(mark: string): Promise<number[]> {
  const pids = (await readdir("/proc").catch(() => [])).map(Number).filter(Number.isInteger);
  const bearing = await Promise.all(pids.map(async (pid) => ((await bears(pid, mark)) ? [pid] : [])));
  return bearing.flat().filter((pid) => pid !== process.pid && end(pid));
}

const bears = async (pid: number, mark: string): Promise<boolean> => {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return environment.split("\0").includes(mark);
};

const end = (pid: number): boolean => {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
};
