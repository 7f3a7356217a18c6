import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { interpreter } from "./local.ts";
import { type Script, type ScriptInput, scriptsDigest, shellLine } from "./shell.ts";

/** A command on a host, safe to run twice: it runs again whenever its text or its input changes. */
export interface HostCommandArgs {
  create: ScriptInput[];
  /** A script that runs on this machine first: what it prints is read by the first of `create`, instead of `stdin`. */
  here?: ScriptInput;
  /** Runs when the resource goes; without it nothing does. */
  delete?: ScriptInput[];
  /** What the first script reads; the only way a secret may take. */
  stdin?: pulumi.Input<string>;
  /** Runs `create` again when it changes. */
  again?: pulumi.Input<string>;
}

/** How scripts are run on a machine, as root. */
export interface Shell {
  /** argv that takes the text as its last argument. */
  interpreter: pulumi.Input<string[]>;
  /** Text that runs scripts one after another. */
  text(scripts: Script[]): string;
  /** Text for this machine's own shell: what a line of it prints is the standard input of the first of the scripts. */
  piped(here: string, scripts: Script[]): pulumi.Input<string>;
  /** Another value whenever the machine is another one, with nothing of what commands did; empty where it never is. */
  instance: pulumi.Input<string>;
}

/** That of the machine the program runs on. */
export const localShell: Shell = {
  interpreter: interpreter(),
  text: (scripts) => shellLine(scripts),
  piped: (here, scripts) => `${here} | { ${shellLine(scripts)}; }`,
  instance: "",
};

/**
 * Runs scripts on a host as root, again whenever they, their variables or their input change. What they print is a
 * secret and never shown; what they warn of is.
 */
export function hostCommand(
  name: string,
  { create, here, delete: remove = [], stdin, again = "" }: HostCommandArgs,
  opts: pulumi.CustomResourceOptions,
  { interpreter, text, piped, instance }: Shell = localShell,
): command.local.Command {
  const digest = scriptsDigest([...(here ? [here] : []), ...create, ...remove].map(({ script }) => script));
  const textOf = (scripts: ScriptInput[]) => pulumi.output(scripts).apply(text);
  const pipedOf = (here: ScriptInput) =>
    pulumi
      .all([pulumi.output([here]), pulumi.output(create)])
      .apply(([here, there]) => pulumi.output(piped(shellLine(here), there)));
  return new command.local.Command(
    name,
    {
      interpreter: here ? localShell.interpreter : interpreter,
      create: here ? pipedOf(here) : textOf(create),
      ...(remove.length > 0 ? { delete: textOf(remove) } : {}),
      ...(stdin === undefined ? {} : { stdin }),
      environment: {
        RUN_AGAIN_FOR:
          typeof again === "string" && typeof instance === "string"
            ? `${digest}${again}${instance}`
            : pulumi.interpolate`${digest}${again}${instance}`,
      },
      logging: command.types.enums.local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    { ...opts, additionalSecretOutputs: ["stdout"] },
  );
}
