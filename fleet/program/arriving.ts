import type { AdoptInvocation } from "../commands/adopt.ts";
import type { Declare } from "./declare.ts";

/** The command by which what runs already becomes a tenant. */
export function arriving(declare: Declare): void {
  declare("adopt", "makes a tenant of an Open WebUI that runs already, or of its database", [
    ["adopt acme --container open-webui --dry-run", "looks at it and reports; changes nothing"],
    ["adopt acme --container open-webui --domain chat.acme.example", "copied while it serves, then cut over"],
    ["adopt acme --compose /opt/open-webui", "the Open WebUI of a compose project, by folder or name"],
    ["adopt acme --file /srv/old/webui.db --uploads /srv/old/uploads", "a bare database"],
    ["adopt acme --confirm", "all is there: the source is not needed any more"],
    ["adopt acme --rollback", "the source runs again as it was"],
  ])
    .argument("<tenant>", "what it is called in the fleet")
    .option("--container <name>", "a container on the tenant's host")
    .option("--compose <folder or project>", "a compose project there")
    .option("--file <path>", "a webui.db there")
    .option("--uploads <folder>", "with --file: what was uploaded")
    .option(
      "--secret-key-file <path>",
      "with --file: where its secret key is; by default .webui_secret_key beside it",
    )
    .option("--host <id>", "the host it is on and stays on; by default the only one")
    .option("--domain <name>", "the name people open; by default <tenant>.localhost on this machine")
    .option("--version <version>", "of Open WebUI; by default that which it has")
    .option("--image <reference>", "another image than upstream's, such as a fork's own")
    .option("--admin <address>", "which of its admins is the stack's; by default the oldest")
    .option("--dry-run", "look and report; change nothing")
    .option("--confirm", "end the adoption: it cannot be taken back any more")
    .option("--rollback", "take the adoption back")
    .option("--yes", "do not ask")
    .option("--json", "for scripts")
    .action(async (tenant: string, options: AdoptInvocation) =>
      (await import("../commands/adopt.ts")).adopt(options, tenant),
    );
}
