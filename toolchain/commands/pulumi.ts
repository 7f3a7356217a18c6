import { spawn } from "node:child_process";
import { ensureCommandLine } from "../setup/command-line-build.ts";
import { readSource, writeEffective } from "../setup/effective-config.ts";
import { locked } from "../setup/lock.mjs";
import { ensurePassphrase } from "../setup/passphrase.ts";
import { repository } from "../setup/paths.mjs";
import { ensurePlugins } from "../setup/plugins.ts";
import { Pulumi } from "../setup/pulumi.ts";
import { carryOver } from "../setup/source-edit.ts";
import { ensureStack } from "../setup/stack.ts";
import { makerOf, readCheckpoint } from "../setup/stack-state.ts";
import { configOf, type Invocation } from "./invocation.ts";

/** Commands that read or write a stack's config: they get the one a run of ours would use. */
const usingConfig = ["config", "up", "update", "preview", "pre", "refresh", "destroy", "import", "watch"];

/** `npm run pulumi -- …`: the CLI itself, with the project's state, passphrase, plugins and stack. */
export async function pulumiCommand(invocation: Invocation, args: readonly string[]): Promise<void> {
  const { stack } = invocation;
  const { cli } = await locked(
    "pulumi",
    () => {},
    () => ensureCommandLine((text) => process.stderr.write(`${text}\n`)),
  );
  const pulumi = new Pulumi(stack, cli);
  await ensurePassphrase();
  const source = await readSource(configOf(invocation));
  const effective = await writeEffective(stack, source, {});
  await ensureStack(pulumi);
  const madeBy = makerOf(await readCheckpoint(stack));
  await ensurePlugins(madeBy, pulumi.environment, () => {});
  const child = spawn("pulumi", [...args, ...configFlag(args, effective)], {
    cwd: repository,
    env: pulumi.environment,
    stdio: "inherit",
  });
  process.exitCode = await new Promise<number>((done) => {
    child.on("close", (code) => done(code ?? 1));
    child.on("error", () => done(127));
  });
  if (args[0] === "config") await carryOver(effective, configOf(invocation));
}

/** Where a command finds the config, unless it was told. */
export function configFlag(args: readonly string[], effective: string): string[] {
  const [command = ""] = args;
  if (args.includes("--config-file")) return [];
  return usingConfig.includes(command) ? ["--config-file", effective] : [];
}
