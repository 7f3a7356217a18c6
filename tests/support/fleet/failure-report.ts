import type { Fleet } from "./fleet.ts";

/** Lines of each container's log that are shown. */
const LINES = 12;

/**
 * What explains a failed scenario to somebody who has the run's output only: the stack's containers with their state and
 * what they said last, and the end of what the last command printed. None of it holds a secret (scenarios/secrecy.ts).
 */
export async function failureReport({ engine, driver }: Fleet): Promise<string> {
  const filter = ["--filter", `label=${engine.label}`];
  const { stdout } = await engine.docker([
    ...["ps", "--all", ...filter, "--format", "{{.Names}}\t{{.Status}}"],
  ]);
  const parts = await Promise.all(
    stdout
      .split("\n")
      .filter(Boolean)
      .map(async (line) => {
        const [name = "", status] = line.split("\t");
        const { stdout: said, stderr } = await engine.docker(["logs", "--tail", String(LINES), name], {
          mayFail: true,
        });
        return `${name}: ${status}\n${indented(said + stderr)}`;
      }),
  );
  return [...parts.sort(), `the last command printed\n${indented(driver.lastSaid)}`].join("\n");
}

const indented = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
