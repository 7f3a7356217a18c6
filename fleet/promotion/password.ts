import type { Invocation } from "../../toolchain/commands/invocation.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { pulumiOf } from "../driver.ts";

/** How a command is asked that has the password of a tenant's Postgres. */
export interface WithPassword extends Invocation {
  /** It stands in nothing that is kept. */
  password?: string;
}

/** The password is not known, or is another: whoever took the operation on gives it once more. */
export class PasswordError extends CommandError {
  override name = "PasswordError";
}

/**
 * The password of the Postgres that a tenant goes to or works on: as the command was told it, from PGPASSWORD, or from the
 * stack's config once that has it.
 */
export async function passwordOf(invocation: WithPassword, tenant: string): Promise<string> {
  const told = invocation.password ?? process.env.PGPASSWORD;
  if (told) return told;
  const path = `tenants["${tenant}"].database.password`;
  const { code, stdout } = await pulumiOf(invocation, ["config", "get", "--path", path]);
  const kept = stdout.replace(/\r?\n$/, "");
  if (code === 0 && kept !== "") return kept;
  throw new PasswordError(
    `The password of ${tenant}'s Postgres is not known: it is kept in no operation, and the stack's config has none yet. Give it once more, in PGPASSWORD.`,
  );
}
