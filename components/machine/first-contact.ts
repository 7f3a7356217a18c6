import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { quote, type Script, scriptsDigest, shellLine } from "../host/shell.ts";
import { asRoot, type SshTarget, sshLine } from "./ssh.ts";
import { keepLine, toolbox } from "./toolbox.ts";

/** How a machine is met for the first time, and what it is like from then on. */
export interface FirstContact {
  host: string;
  /** As it is before anything was done. */
  first: SshTarget;
  /** As it is in the end. */
  final: SshTarget;
  steps: Step[];
}

/** Something done over the first connection. */
export interface Step {
  /** Said when it begins. */
  what: string;
  /** File that is its standard input, below the repository; `-`: the command's own. */
  input: string;
  /** Line for the machine's shell. */
  line: string;
}

/** Seconds a machine has until it answers. A droplet takes one or two minutes. */
const patience = 600;

const script = "components/machine/await-machine.sh";

/** Line that waits for a machine and does what has to be done at first; nothing where it is as it should be. */
export function firstContactLine({ host, first, final, steps }: FirstContact): string {
  const variables = { NAME: host, PATIENCE: patience, FINAL: sshLine(final), FIRST: sshLine(first) };
  return [
    ...Object.entries(variables).map(([name, value]) => `${name}=${quote(String(value))}`),
    `sh ${script}`,
    ...steps.flatMap(({ what, input, line }) => [what, input, line].map(quote)),
  ].join(" ");
}

/** Another value whenever one of the scripts that a first contact runs says something else. */
export const firstContactDigest = (): string =>
  createHash("sha256")
    .update(readFileSync(new URL("await-machine.sh", import.meta.url)))
    .update(scriptsDigest(["replace-host-key"]))
    .digest("hex")
    .slice(0, 16);

/**
 * Waits until cloud-init has ended. Where it failed, its last part runs again, which is the set-up: it goes on from where it
 * ended, so that a mirror that was away for a while costs no droplet.
 */
const bornLine = [
  "cloud-init status --wait >/dev/null 2>&1",
  "sh /var/lib/cloud/instance/scripts/runcmd >>/var/log/cloud-init-output.log 2>&1",
  "{ tail -n 40 /var/log/cloud-init-output.log; cloud-init status --long; exit 1; }",
].join(" || ");

/** What a droplet is waited for: its own set-up, and then a host key that no user-data held. */
export const dropletSteps = (publicKey: string): Step[] => [
  {
    what: "it answers; cloud-init sets it up (user, firewall, Docker)",
    input: "/dev/null",
    line: asRoot(bornLine),
  },
  ...scriptSteps("its host key is replaced by one that no user-data held", "-", {
    script: "replace-host-key",
    variables: { PUBLIC: publicKey },
  }),
];

/** What is done with a server that is there, as whoever could sign in to it. */
export const serverSteps = (setUp: Script, user: string): Step[] =>
  scriptSteps("it is set up (packages, user, firewall, Docker)", "/dev/null", setUp, user);

const scriptSteps = (what: string, input: string, script: Script, user?: string): Step[] => [
  {
    what: `${script.script}.sh is put there`,
    input: `components/host/${script.script}.sh`,
    line: asRoot(keepLine(script.script), user),
  },
  { what, input, line: asRoot(shellLine([script], toolbox), user) },
];
