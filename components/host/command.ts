import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { interpreter } from "./local.ts";
import { type ScriptInput, scriptsDigest, shellLine } from "./shell.ts";

/** A command on a host, safe to run twice: it runs again whenever its text or its input changes. */
export interface HostCommandArgs {
  create: ScriptInput[];
  /** Runs when the resource goes; without it nothing does. */
  delete?: ScriptInput[];
  /** What the first script reads; the only way a secret may take. */
  stdin?: pulumi.Input<string>;
  /** Runs `create` again when it changes. */
  again?: pulumi.Input<string>;
}

/**
 * Runs scripts on a host as root, again whenever they, their variables or their input change. What they print is a
 * secret and never shown; what they warn of is.
 */
export function hostCommand(
  name: string,
  { create, delete: remove = [], stdin, again = "" }: HostCommandArgs,
  opts: pulumi.CustomResourceOptions,
): command.local.Command {
  const digest = scriptsDigest([...create, ...remove].map(({ script }) => script));
  return new command.local.Command(
    name,
    {
      interpreter: interpreter(),
      create: lineOf(create),
      ...(remove.length > 0 ? { delete: lineOf(remove) } : {}),
      ...(stdin === undefined ? {} : { stdin }),
      environment: {
        RUN_AGAIN_FOR:
          typeof again === "string" ? `${digest}${again}` : pulumi.interpolate`${digest}${again}`,
      },
      logging: command.types.enums.local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    { ...opts, additionalSecretOutputs: ["stdout"] },
  );
}

const lineOf = (scripts: ScriptInput[]): pulumi.Output<string> => pulumi.output(scripts).apply(shellLine);
