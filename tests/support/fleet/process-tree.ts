import { readdirSync, readFileSync } from "node:fs";

/** The parent of each process of this machine. */
function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const pid of readdirSync("/proc").map(Number).filter(Boolean)) {
    try {
      // A program's name may hold anything, in parentheses.
      const [, parent] = /^\d+ \(.*\) \w (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? [];
      found.set(pid, Number(parent));
    } catch {
      // It has ended.
    }
  }
  return found;
}

/** A process and everything it started that runs. */
function treeOf(pid: number): number[] {
  const all = parents();
  const tree = all.has(pid) ? [pid] : [];
  for (const each of tree) tree.push(...[...all].filter(([, parent]) => parent === each).map(([id]) => id));
  return tree;
}

const signal = (pids: readonly number[], name: NodeJS.Signals): void => {
  for (const pid of pids)
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
};

/**
 * Ends a process and everything it started at once, as when their machine loses power: none of them notices the end of
 * another. Answers how many there were.
 */
export function killTree(pid: number): number {
  let tree = treeOf(pid);
  // What is stopped starts nothing more.
  for (;;) {
    signal(tree, "SIGSTOP");
    const now = treeOf(pid);
    if (now.every((each) => tree.includes(each))) break;
    tree = now;
  }
  signal(tree, "SIGKILL");
  return tree.length;
}
