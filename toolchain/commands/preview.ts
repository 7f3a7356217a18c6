import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import type { CloudOfStack } from "../fakes/cloud-of-stack.ts";
import { allowing, type Report, refused } from "../preview/change.ts";
import { ChangeReport } from "../preview/change-report.ts";
import { policyFlags } from "../preview/policy-flags.ts";
import { reportMarkdown } from "../preview/report-markdown.ts";
import { reportText } from "../preview/report-text.ts";
import { leaveOut } from "../setup/left-out.ts";
import { preflight } from "../setup/preflight.ts";
import { prepare } from "../setup/prepare.ts";
import type { Progress } from "../setup/progress.ts";
import type { Pulumi } from "../setup/pulumi.ts";
import { readCheckpoint } from "../setup/stack-state.ts";
import { configOf, type Invocation, stepsOf } from "./invocation.ts";
import { inItsCloud } from "./its-cloud.ts";
import { runEngine, UpdateError } from "./update.ts";

/** How `npm run preview` is asked to tell. */
export interface PreviewInvocation extends Invocation {
  /** File that gets the report as a comment for a pull request. */
  markdown?: string;
  /** Ids of hosts and tenants whose changes may be such as are refused otherwise. */
  allow?: string[];
  /** Hosts that cannot be asked, and are left as they are. */
  without?: string[];
}

/**
 * `npm run preview`: what `npm run up` would change, for whom, and whether every policy is kept; nothing is changed. It
 * fails where the engine does, where a policy is broken, and where something would go that needs a decision of its own.
 */
export const preview = (invocation: PreviewInvocation): Promise<void> =>
  inItsCloud(invocation, async (cloud) => {
    const report = await previewed(invocation, { about: "preview", flags: [] }, cloud);
    await showReport(report, invocation);
    process.exitCode = refused(report) ? 1 : 0;
  });

/** Lets the engine look, telling where it is. `flags` say what else it looks at. */
export async function previewed(
  invocation: PreviewInvocation,
  { about, flags }: { about: Report["about"]; flags: readonly string[] },
  cloud: CloudOfStack | undefined,
): Promise<Report> {
  const { stack, allow = [], without = [] } = invocation;
  const steps = stepsOf(invocation);
  const file = configOf(invocation);
  const plan = await steps.run(
    "machine",
    () => preflight(stack, file, cloud),
    ({ text }) => text,
  );
  const leftOut = leaveOut(without, plan.fleet, await readCheckpoint(stack));
  const { pulumi, configFile } = await prepare(steps, { stack, plan, cloud });
  Object.assign(pulumi.environment, leftOut.environment);
  const all = ["--config-file", configFile, ...flags, ...leftOut.flags];
  all.push(...(await policyFlags(stack, plan.fleet)));
  return steps.run(
    about,
    async (progress: Progress) =>
      allowing(await gather(new ChangeReport(stack, plan.fleet, about), pulumi, all, progress), allow),
    ({ errors }) =>
      errors.length > 0
        ? "did not get through: see below"
        : `${basename(file)} compared with what ${about === "drift" ? "there is" : "the last run left"}`,
  );
}

/** Where a report was asked for: on the screen, and in a file. */
export async function showReport(
  report: Report,
  { json, markdown }: Pick<PreviewInvocation, "json" | "markdown">,
): Promise<void> {
  if (markdown) await writeFile(markdown, reportMarkdown(report));
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : `\n${reportText(report)}\n`);
}

/** Lets the engine look. A preview that fails has its report all the same: what it found until then, and why it ended. */
export async function gather(
  report: ChangeReport,
  pulumi: Pulumi,
  flags: readonly string[],
  progress: Progress,
): Promise<Report> {
  try {
    await runEngine(pulumi, "preview", flags, progress, (event) => report.add(event));
    return report.report();
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    return report.report(error.causes);
  }
}
