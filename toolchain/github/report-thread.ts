import { markOf, nothingDiffers } from "../preview/report-markdown.ts";
import type { GitHub } from "./github.ts";

/** A report as a run leaves it. */
export interface RunReport {
  stack: string;
  /** What the command wrote; undefined where it did not get that far. */
  markdown: string | undefined;
  /** Address of the run, for whoever wants to see more. */
  run: string;
}

/** Shows a preview on its pull request: one comment a stack, edited in place. */
export async function showPreview(github: GitHub, pull: number, report: RunReport): Promise<string> {
  const mark = markOf("preview", report.stack);
  const body = `${report.markdown ?? broken(mark, report)}\n[The run](${report.run})\n`;
  const found = await github.findComment(pull, mark);
  if (found) await github.editComment(found.id, body);
  else await github.comment(pull, body);
  return found ? `comment ${found.id} edited` : "comment made";
}

/** Shows a drift as an issue: one a stack, edited while it lasts, closed when it is over. */
export async function showDrift(github: GitHub, report: RunReport): Promise<string> {
  const mark = markOf("drift", report.stack);
  const over = report.markdown?.includes(nothingDiffers) ?? false;
  const body = `${report.markdown ?? broken(mark, report)}\n[The run](${report.run})\n`;
  const found = await github.findIssue(mark);
  if (found?.number !== undefined) {
    await github.editIssue(found.number, { body, ...(over && { state: "closed" }) });
    return `issue ${found.number} ${over ? "closed" : "edited"}`;
  }
  if (over) return "nothing differs, and no issue says so";
  await github.openIssue(`Drift in stack ${report.stack}`, body);
  return "issue opened";
}

const broken = (mark: string, { stack }: RunReport): string =>
  `${mark}\n\n## ${stack}: there is no report\n\nThe command ended before it could write one: the run says why.\n`;
