import { readFileSync } from "node:fs";

/** Of the kernel, for /proc/<pid>/stat; the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const LOOK_EVERY_MS = 10;

/** Seconds of processor that /proc/<pid>/stat tells: of the process, and of the children it has waited for. */
export function processorSeconds(stat: string): number {
  // The second field is the program's name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system, ofChildren, systemOfChildren] = fields.slice(11, 15).map(Number);
  return ((user ?? 0) + (system ?? 0) + (ofChildren ?? 0) + (systemOfChildren ?? 0)) / TICKS_PER_SECOND;
}

/** Bytes of anonymous resident memory that /proc/<pid>/status tells. */
export const anonymousBytes = (status: string): number =>
  Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;

/** Bytes that reads gave a process, whatever they came from, as /proc/<pid>/io tells. */
export const bytesRead = (io: string): number => Number(/^rchar: (\d+)/m.exec(io)?.[1] ?? Number.NaN);

export const processorSecondsOf = (pid: number): number =>
  processorSeconds(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** The same of a process and its children, those that still run included. */
export function processorSecondsBelow(pid: number): number {
  const children = childrenOf(pid).map((child) => {
    try {
      return processorSecondsOf(child);
    } catch {
      return 0; // it has ended meanwhile
    }
  });
  return children.reduce((sum, seconds) => sum + seconds, processorSecondsOf(pid));
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

export const bytesReadBy = (pid: number): number => bytesRead(readFileSync(`/proc/${pid}/io`, "utf8"));

/** Anonymous memory of a process; 0 when it is gone. */
export function memoryOf(pid: number): number {
  try {
    return anonymousBytes(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return 0;
  }
}

/** Anonymous memory of a process and its children. */
export const memoryBelow = (pid: number): number =>
  childrenOf(pid).reduce((sum, child) => sum + memoryOf(child), memoryOf(pid));

/** Shared memory that a process and its children use, each page of it once; undefined where the system does not tell us. */
export function sharedBelow(pid: number): number | undefined {
  try {
    return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + sharedBytes(readRollup(one)), 0);
  } catch {
    return undefined; // of another user's processes only root hears
  }
}

/** Its share of the shared memory that /proc/<pid>/smaps_rollup tells, bytes. */
export const sharedBytes = (rollup: string): number =>
  Number(/^Pss_Shmem:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;

function readRollup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "EACCES") throw error;
    return ""; // it has ended meanwhile
  }
}

/** How many children a process has. */
export const childCount = (pid: number): number => childrenOf(pid).length;

/** Memory of agent, reader and node at one moment, or the highest of each over some time; bytes. */
export interface Memory {
  agent: number;
  /** All readers together. */
  reader: number;
  /** Agent and readers together; its highest need not be the sum of theirs. */
  host: number;
  node: number;
}

/** Looks at the memory of an agent with its readers and of a node, a hundred times a second, until it is stopped. */
export class MemoryWatch implements Disposable {
  readonly peak: Memory = { agent: 0, reader: 0, host: 0, node: 0 };
  readonly #clock: NodeJS.Timeout;

  constructor(agent: number, node: number) {
    this.#clock = setInterval(() => {
      const now = memoryNow(agent, node);
      for (const part of Object.keys(this.peak) as (keyof Memory)[])
        this.peak[part] = Math.max(this.peak[part], now[part]);
    }, LOOK_EVERY_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#clock);
  }
}

export function memoryNow(agentPid: number, nodePid: number): Memory {
  const readers = childrenOf(agentPid);
  const agent = memoryOf(agentPid);
  const reader = readers.reduce((sum, pid) => sum + memoryOf(pid), 0);
  return { agent, reader, host: agent + reader, node: memoryOf(nodePid) };
}
