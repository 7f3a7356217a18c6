import { parseArgs } from "node:util";
import { capacity } from "./capacity/capacity.ts";
import { edge } from "./edge/edge.ts";
import { failover } from "./failover/failover.ts";
import { preview } from "./preview/preview.ts";
import { provisionBenchmark as provision } from "./provision/provision.ts";
import { replicate } from "./replicate/replicate.ts";
import { type Benchmark, table } from "./result.ts";

/** Every benchmark, by the name it is run with. */
const benchmarks: Record<string, Benchmark> = { capacity, edge, failover, preview, provision, replicate };

const usage = [
  "npm run bench -- <name> [options] [--json]",
  ...Object.entries(benchmarks).flatMap(([name, { about, options = {} }]) => [
    "",
    `  ${name.padEnd(14)} ${about}`,
    ...Object.entries(options).map(
      ([option, { about, default: value }]) => `    --${option.padEnd(10)} ${about} (${value})`,
    ),
  ]),
].join("\n");

/** Runs the benchmark that is named; the exit code says whether it ran, not whether its targets were met. */
async function main([name, ...argv]: string[]): Promise<number> {
  if (name === undefined || name === "--help") {
    console.log(usage);
    return 0;
  }
  const benchmark = benchmarks[name];
  if (!benchmark) {
    console.error(`There is no benchmark "${name}". Run one of these:\n\n${usage}`);
    return 2;
  }
  const own = Object.entries(benchmark.options ?? {}).map(
    ([option, { default: value }]) => [option, { type: "string" as const, default: value }] as const,
  );
  const { values } = parseArgs({
    args: argv,
    options: { ...Object.fromEntries(own), json: { type: "boolean", default: false } },
  });
  const { json, ...chosen } = values;
  const results = await benchmark.run((text) => console.error(text), chosen as Record<string, string>);
  console.log(json ? JSON.stringify({ results }) : table(results));
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  return 1;
});
