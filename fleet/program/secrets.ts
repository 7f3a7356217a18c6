import { Option } from "commander";
import type { Invocation } from "../../toolchain/commands/invocation.ts";
import type { PasswordInvocation } from "../commands/password.ts";
import type { TokenInvocation } from "../commands/token.ts";
import type { Declare } from "./declare.ts";

/** Commands that show secrets because they are asked to, and the one that renews certificates. */
export function secrets(declare: Declare): void {
  declare("password", "shows a tenant's first admin and password, or how a reader connects", [
    ["password acme", "address, e-mail and password of its first admin"],
    ["password --reader ana", "how the analyst ana connects to the replicas"],
  ])
    .argument("[tenant]")
    .option("--reader <name>", "a reader of replicas instead of a tenant")
    .option("--json", "for scripts")
    .action(async (tenant: string | undefined, options: PasswordInvocation) =>
      (await import("../commands/password.ts")).password(options, tenant),
    );

  declare("token", "prints a token for the nodes' API, valid for ten minutes", [
    ["token", "one that allows reading"],
    ["token --scope operate --ca ca.pem", "one that allows operating, and what nodes are known by"],
  ])
    .addOption(
      new Option("--scope <scope>", "what it allows, each including those before it")
        .choices(["read", "operate", "admin"])
        .default("read"),
    )
    .option("--as <name>", "who acts with it, for the audit log, instead of you")
    .option("--ca <file>", "also write the certificate that the nodes' certificates are signed by")
    .action(async (options: TokenInvocation) => (await import("../commands/token.ts")).token(options));

  declare("rotate", "makes the next authority issue every certificate, while everything runs", [
    ["rotate", "counts certificates.generation of the config up, and applies it"],
  ])
    .option("--json", "print the status as JSON")
    .action(async (options: Invocation) => (await import("../commands/rotate.ts")).rotate(options));
}
