import { differs } from "../preview/change.ts";
import { inItsCloud } from "./its-cloud.ts";
import { type PreviewInvocation, previewed, showReport } from "./preview.ts";

/** What the exit code says besides 0 (nothing differs) and 1 (it could not be found out). */
const drifted = 2;

/**
 * `npm run drift`: what `npm run up` would put right. Everything is looked at as it is now, on hosts and in clouds, and
 * compared with what is declared; what was edited and not applied yet counts too. Nothing is changed, the state included.
 */
export const drift = (invocation: PreviewInvocation): Promise<void> =>
  inItsCloud(invocation, async (cloud) => {
    const report = await previewed(invocation, { about: "drift", flags: ["--refresh"] }, cloud);
    await showReport(report, invocation);
    process.exitCode = report.errors.length > 0 ? 1 : differs(report) ? drifted : 0;
  });
