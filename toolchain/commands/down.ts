import { rm } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import type { Fleet } from "../../components/fleet-config.ts";
import type { CloudOfStack } from "../fakes/cloud-of-stack.ts";
import { ChildError } from "../setup/child.mjs";
import { stackFolder } from "../setup/paths.mjs";
import { preflight } from "../setup/preflight.ts";
import { type Prepared, prepare } from "../setup/prepare.ts";
import { SetupError } from "../setup/problem.mjs";
import type { Progress } from "../setup/progress.ts";
import type { Pulumi } from "../setup/pulumi.ts";
import { readCheckpoint, resourceCount } from "../setup/stack-state.ts";
import { configOf, type Invocation, noFleet, stepsOf } from "./invocation.ts";
import { inItsCloud } from "./its-cloud.ts";
import { runEngine } from "./update.ts";

/** How `npm run down` is asked to go about it. */
export interface DownInvocation extends Invocation {
  /** Deletes the data as well. */
  purge?: boolean;
  /** Does not ask. */
  yes?: boolean;
}

/** `npm run down`: removes everything that runs and keeps every byte of data, unless a purge is confirmed. */
export async function down(invocation: DownInvocation): Promise<void> {
  if (await readCheckpoint(invocation.stack))
    return inItsCloud(invocation, (cloud) => takeDown(invocation, cloud));
  process.stdout.write(noFleet(invocation.stack));
}

async function takeDown(invocation: DownInvocation, cloud: CloudOfStack | undefined): Promise<void> {
  const { stack, purge } = invocation;
  const steps = stepsOf(invocation);
  const plan = await steps.run(
    "machine",
    () => preflight(stack, configOf(invocation), cloud),
    ({ text }) => text,
  );
  const local = plan.fleet.hosts.filter(({ kind }) => kind === "local").map(({ root }) => root);
  const kept = [
    ...local,
    ...plan.fleet.hosts.filter(({ kind }) => kind !== "local").map(({ id, root }) => `${root} of host ${id}`),
  ];
  if (purge) await confirmPurge(invocation, purgedRoots(plan.fleet));

  const prepared = await prepare(steps, { stack, plan, overrides: { running: false }, cloud });
  const flags = ["--yes", "--skip-preview", "--config-file", prepared.configFile];
  // A stack that was only ever previewed has nothing that could stop, and would be given all of it first.
  if (resourceCount(await readCheckpoint(stack)) > 0)
    await steps.run(
      "fleet",
      (progress: Progress) => runEngine(prepared.pulumi, "up", flags, progress),
      ({ summary }) => summary,
    );
  if (!purge) {
    process.stdout.write(
      `\nNothing runs any more, all data is kept in ${kept.join(", ")}. \`npm run up\` brings it back.\n`,
    );
    return;
  }
  await steps.run("purge", (progress) => deleteAll(prepared, local, progress, cloud));
  const left = cloud ? [] : leftByPurge(plan.fleet);
  if (left.length > 0)
    process.stdout.write(`\nNot the stack's to delete, and still there: ${left.join("; ")}.\n`);
}

/** What a purge deletes: this machine's folders, and droplets with everything on them. */
export const purgedRoots = ({ hosts }: Pick<Fleet, "hosts">): string[] =>
  hosts.flatMap(({ id, kind, root }) =>
    kind === "local" ? [root] : kind === "digitalocean" ? [`${root} of host ${id}`] : [],
  );

/** What it leaves: data on servers, and replicas in a Postgres, that were there before the stack. */
export const leftByPurge = ({ hosts, sync }: Pick<Fleet, "hosts" | "sync">): string[] => [
  ...hosts.flatMap(({ id, kind, root }) => (kind === "ssh" ? [`${root} on host ${id}`] : [])),
  ...(sync.database.kind === "external" ? [`replicas and roles in ${sync.database.host}`] : []),
];

/** Lets the operator type the stack's name; `--yes` stands for it in scripts. */
async function confirmPurge({ stack, yes }: DownInvocation, roots: string[]): Promise<void> {
  if (yes) return;
  if (process.stdin.isTTY) {
    const prompt = createInterface({ input: process.stdin, output: process.stdout });
    process.stdout.write(
      `\nThis deletes every tenant's data, every replica and every secret of stack ${stack}, for ever:\n`,
    );
    process.stdout.write(roots.map((root) => `  ${root}\n`).join(""));
    const typed = await prompt.question(`Type the stack's name to go on: `);
    prompt.close();
    if (typed.trim() === stack) return;
  }
  throw new SetupError([
    {
      what: "The purge was not confirmed.",
      why: "It deletes tenants' data, which nothing brings back.",
      remedy: `Type "${stack}" when asked, or pass --yes where nobody can be asked.`,
    },
  ]);
}

/** Forgets the stack, then deletes what its hosts keep. In this order a failure leaves the data. */
async function deleteAll(
  { pulumi, configFile }: Prepared,
  roots: string[],
  progress: Progress,
  cloud: CloudOfStack | undefined,
): Promise<string> {
  // What must outlive a stack is protected; a purge is the one time it must not.
  await pulumiMust(pulumi, ["state", "unprotect", "--all", "--yes"]);
  await runEngine(pulumi, "destroy", ["--yes", "--skip-preview", "--config-file", configFile], progress);
  await pulumiMust(pulumi, ["stack", "rm", pulumi.stack, "--yes", "--preserve-config", "--remove-backups"]);
  await cloud?.clear();
  for (const folder of [...roots, stackFolder(pulumi.stack)]) {
    progress(`deleting ${folder}`);
    await rm(folder, { recursive: true, force: true });
  }
  return `stack ${pulumi.stack} and its data are deleted`;
}

async function pulumiMust(pulumi: Pulumi, args: string[]): Promise<void> {
  const outcome = await pulumi.run(args);
  if (outcome.code !== 0) {
    throw new ChildError("The stack could not be forgotten; its data is kept.", ["pulumi", ...args], outcome);
  }
}
