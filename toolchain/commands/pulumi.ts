import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { isFake } from "../fakes/cloud-of-stack.ts";
import { ensureCommandLine } from "../setup/command-line-build.ts";
import { effectiveFile, readSource, writeEffective } from "../setup/effective-config.ts";
import { locked } from "../setup/lock.mjs";
import { ensurePassphrase } from "../setup/passphrase.ts";
import { repository } from "../setup/paths.mjs";
import { ensurePlugins } from "../setup/plugins.ts";
import { SetupError } from "../setup/problem.mjs";
import { Pulumi } from "../setup/pulumi.ts";
import { carryOver } from "../setup/source-edit.ts";
import { ensureStack } from "../setup/stack.ts";
import { type CheckpointResource, makerOf, readCheckpoint, saltOf } from "../setup/stack-state.ts";
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
  const { effective, after } = await configFor(invocation, args[0] === "config");
  const checkpoint = await readCheckpoint(stack);
  requireNoProtected(stack, args, checkpoint?.checkpoint.latest?.resources ?? []);
  await ensurePassphrase((await readSource(effective)).encryptionsalt ?? saltOf(checkpoint));
  await ensureStack(pulumi);
  await ensurePlugins(makerOf(checkpoint), pulumi.environment, () => {});
  const child = spawn("pulumi", [...args, ...configFlag(args, effective)], {
    cwd: repository,
    env: pulumi.environment,
    stdio: "inherit",
  });
  process.exitCode = await new Promise<number>((done) => {
    child.on("close", (code) => done(code ?? 1));
    child.on("error", () => done(127));
  });
  await after();
}

/** What a destroy of a part is told. */
const partly = ["--target", "-t", "--exclude", "--exclude-protected"];

/**
 * Refuses to destroy a stack of which something is protected: Pulumi deletes what is not, in its order, until it comes
 * to the first that is.
 *
 * @throws SetupError what is protected, and the command that takes a fleet down
 */
export function requireNoProtected(
  stack: string,
  [command = "", ...flags]: readonly string[],
  resources: readonly CheckpointResource[],
): void {
  if (!["destroy", "down", "dn"].includes(command)) return;
  if (flags.some((flag) => partly.includes(flag.split("=")[0] ?? ""))) return;
  const names = resources.filter(({ protect }) => protect).map(({ urn }) => urn.split("::").at(-1) ?? urn);
  if (names.length === 0) return;
  const [first, second, third, ...more] = names;
  const some = [first, second, third].filter((name) => name !== undefined).join(", ");
  throw new SetupError([
    {
      what: `Of stack ${stack}, ${some}${more.length > 0 ? ` and ${more.length} more` : ""} are protected, since they hold data.`,
      why: "Pulumi would delete names, certificates and containers first, and stop in the middle of it.",
      remedy: `npm run down -- --stack ${stack} takes the fleet down and keeps its data; with --purge that goes too.`,
    },
  ]);
}

/**
 * The config that a command gets, and what has to be done with it afterwards. In a fake cloud only the last run's says where
 * that answers, so it stays as it was; what edits a config gets the operator's.
 */
async function configFor(invocation: Invocation, edits: boolean) {
  const { stack } = invocation;
  const last = (await isFake(stack)) && (await readFile(effectiveFile(stack), "utf8").catch(() => undefined));
  if (last && !edits) return { effective: effectiveFile(stack), after: async () => {} };
  const source = configOf(invocation);
  const effective = await writeEffective(stack, await readSource(source), {});
  const after = async () => {
    if (edits) await carryOver(effective, source);
    if (last) await writeFile(effective, last, { mode: 0o600 });
  };
  return { effective, after };
}

/** Where a command finds the config, unless it was told. */
export function configFlag(args: readonly string[], effective: string): string[] {
  const [command = ""] = args;
  if (args.includes("--config-file")) return [];
  return usingConfig.includes(command) ? ["--config-file", effective] : [];
}
