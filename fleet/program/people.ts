import { Argument } from "commander";
import type { UserAction, UsersInvocation } from "../commands/users.ts";
import type { Declare } from "./declare.ts";

const actions: readonly UserAction[] = [
  "list",
  "approve",
  "promote",
  "demote",
  "suspend",
  "delete",
  "hand-over",
];

/** The command about tenants' accounts. */
export function people(declare: Declare): void {
  declare("users", "lists a tenant's accounts, or changes them, through Open WebUI's own API", [
    ["users acme", "all of them, the oldest first: that one is the primary admin"],
    ["users acme approve ana@acme.example ben@acme.example", "let both in who wait for it"],
    ["users acme promote ana@acme.example", "make her an admin; demote takes it back"],
    ["users acme suspend ben@acme.example", "let him wait for approval again; his chats stay"],
    ["users acme delete ben@acme.example", "with all chats and files, after a confirmation"],
    ["users acme hand-over ana@acme.example --name Ana", "the primary admin, and the stack's, is she"],
  ])
    .argument("<tenant>")
    .addArgument(new Argument("[action]", "what is done").choices(actions).default("list"))
    .argument("[user...]", "e-mail addresses or ids")
    .option("--name <name>", "hand-over: what the primary admin is called then")
    .option("--yes", "do not ask")
    .option("--json", "for scripts")
    .action(async (tenant: string, action: UserAction, words: string[], options: UsersInvocation) =>
      (await import("../commands/users.ts")).users(options, tenant, action, words),
    );
}
