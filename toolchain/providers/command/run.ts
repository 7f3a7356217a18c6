import type { Properties } from "../plugin/properties.ts";
import type { Context } from "../plugin/resource.ts";
import { execute } from "./execution.ts";

/** Its arguments; logging is taken and shows nothing, since a function has no line of its own on the screen. */
interface RunArgs {
  command: string;
  dir?: string;
  environment?: Record<string, string>;
  interpreter?: string[];
  stdin?: string;
}

/** `local.run`: a command that runs on every preview and update. */
export const runFunction = async (args: Properties, { signal }: Context<undefined>): Promise<Properties> => ({
  ...args,
  ...(await execute({ ...(args as unknown as RunArgs), show: {} }, signal)),
});
