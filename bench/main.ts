import { parseArgs } from "node:util";
import { preview } from "./preview/preview.ts";
import { type Benchmark, table } from "./result.ts";

/** Every benchmark, by the name it is run with. */
const benchmarks: Record<string, Benchmark> = { preview };

const usage = [
  "npm run bench -- <name> [--json]",
  "",
  ...Object.entries(benchmarks).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`),
].join("\n");

/** Runs the benchmark that is named; the exit code says whether it ran, not whether its targets were met. */
async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    options: { json: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const [name] = positionals;
  if (name === undefined) {
    console.log(usage);
    return 0;
  }
  const benchmark = benchmarks[name];
  if (!benchmark) {
    console.error(`There is no benchmark "${name}". Run one of these:\n\n${usage}`);
    return 2;
  }
  const results = await benchmark.run((text) => console.error(text));
  console.log(values.json ? JSON.stringify({ results }) : table(results));
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  return 1;
});
