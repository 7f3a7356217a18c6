import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { report } from "./report.ts";
import { soak } from "./soak.ts";

const usage = `npm run soak -- [--minutes 30] [--report docs/soak.md]

  Writes to four tenants, syncs them, kills what there is to kill, and compares; the report is printed, or written.`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    report: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(usage);
else {
  const result = await soak(Number(values.minutes), (text) => console.error(text));
  const text = report(result, new Date());
  if (values.report) writeFileSync(values.report, text);
  else console.log(text);
  console.error(`${result.comparisons.length} comparisons equal, ${result.failures.length} failures`);
  process.exitCode = result.failures.length === 0 ? 0 : 1;
}
