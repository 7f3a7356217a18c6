import type { Provider } from "../plugin/resource.ts";
import { serve } from "../plugin/serve.ts";
import { runFunction } from "./run.ts";

/** Stand-in for the `command` provider: runs commands on this machine. */
const command: Provider<undefined> = {
  name: "command",
  config: {},
  connect: () => undefined,
  resources: {
    "command:local:Command": async () => (await import("./command.ts")).command,
  },
  functions: { "command:local:run": runFunction },
};

serve(command);
