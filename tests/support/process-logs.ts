/** How much of a failing test's processes is shown: the latest so many, so many lines of each. */
const MOST = { processes: 6, lines: 25 };

/** What the processes of this test file logged, the latest started last. */
const logs: { name: string; lines: readonly object[] }[] = [];

/** Keeps what a process logs, and will log, for {@link lastWords}. */
export function keepLog(name: string, lines: readonly object[]): void {
  logs.push({ name, lines });
  if (logs.length > MOST.processes) logs.shift();
}

/** The end of each log, as it was written; empty where no process was started. */
export const lastWords = (): string =>
  logs
    .filter(({ lines }) => lines.length > 0)
    .map(({ name, lines }) => {
      const last = lines.slice(-MOST.lines).map((line) => JSON.stringify(line));
      return [`${name} logged ${lines.length} lines, the last of them:`, ...last].join("\n  ");
    })
    .join("\n");
