import type { EraseInvocation } from "../commands/erase.ts";
import type { RetireInvocation } from "../commands/retire.ts";
import { edits } from "./changing.ts";
import type { Declare } from "./declare.ts";

/** Commands that end a tenant. */
export function leaving(declare: Declare): void {
  edits(
    declare("retire", "takes a tenant out of service, and keeps everything that is theirs", [
      ["retire acme", "after a confirmation"],
      ["retire acme --undo", "back as it was"],
    ]),
  )
    .argument("<tenant>")
    .option("--undo", "put its entry back and start it again")
    .option("--json", "print what was done as JSON")
    .action(async (tenant: string, options: RetireInvocation) =>
      (await import("../commands/retire.ts")).retire(options, tenant),
    );

  declare("erase", "erases everything of a tenant, everywhere, for good, and certifies it", [
    ["erase acme", "after its name was typed"],
    [
      "erase acme --after 7d",
      "recorded now, done in a week at the earliest; until then it can be taken back",
    ],
    ["erase acme --yes --confirm acme", "where nobody can be asked"],
    [
      "erase acme --leave-backups",
      "where its bucket refuses to delete: the certificate names what stays there",
    ],
    ["erase --verify acme-12.html", "whether a certificate is what was signed"],
    ["erase --signer", "fingerprint of the key that signs here"],
  ])
    .argument("[tenant]")
    .option("--yes", "do not ask; needs --confirm")
    .option("--confirm <tenant>", "the name once more")
    .option("--after <time>", "how long it can be taken back: 12h, 7d")
    .option(
      "--leave-backups",
      "finish although a bucket or a server keeps its backups; the certificate says so",
    )
    .option("--verify <file>", "check a certificate instead")
    .option("--signer", "tell the fingerprint of the key that signs instead")
    .option("--json", "for scripts")
    .action(async (tenant: string | undefined, options: EraseInvocation) =>
      (await import("../commands/erase.ts")).erase(options, tenant),
    );
}
