import { basename } from "node:path";
import { preflight } from "../setup/preflight.ts";
import { prepare } from "../setup/prepare.ts";
import { ChangeList } from "./change-list.ts";
import { configOf, type Invocation, stepsOf } from "./invocation.ts";
import { runEngine } from "./update.ts";

/** `npm run preview`: what `npm run up` would change, and nothing is. */
export async function preview(invocation: Invocation): Promise<void> {
  const { stack } = invocation;
  const steps = stepsOf(invocation);
  const file = configOf(invocation);
  const plan = await steps.run(
    "machine",
    () => preflight(stack, file),
    ({ text }) => text,
  );
  const { pulumi, configFile } = await prepare(steps, { stack, plan });
  const list = new ChangeList();
  const flags = ["--config-file", configFile];
  await steps.run(
    "preview",
    (progress) => runEngine(pulumi, "preview", flags, progress, (event) => list.add(event)),
    () => `${basename(file)} compared with what the last run left`,
  );
  process.stdout.write(`\n${list.text}\n`);
}
