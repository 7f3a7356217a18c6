import { writeFile } from "node:fs/promises";
import { type Invocation, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { operatorToken, type Scope } from "../../toolchain/commands/operator-token.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";

/** How `npm run token` is asked. */
export interface TokenInvocation extends Invocation {
  scope: Scope;
  /** Who will act with it, for the audit log; whoever runs the command unless another is named. */
  as?: string;
  /** A file for the certificate that the nodes' certificates are signed by. */
  ca?: string;
}

/** The longest that nodes accept. */
const LIFE_S = 600;

/** `npm run --silent token -- --scope read`: one token for the nodes' API on stdout, and nothing else. */
export async function token({ stack, scope, as, ca }: TokenInvocation): Promise<void> {
  const last = await lastUp(stack);
  if (!last)
    throw new SetupError([
      {
        what: `Stack ${stack} has no key to sign with.`,
        why: noFleet(stack).trim(),
        remedy: "Run `npm run up` first.",
      },
    ]);
  const made = await operatorToken(last.outputs.operatorKey, { scope, seconds: LIFE_S, subject: as });
  if (ca !== undefined) await writeFile(ca, last.outputs.certificateAuthority);
  process.stdout.write(`${made}\n`);
  process.stderr.write(`Valid for ${LIFE_S / 60} minutes; it allows ${allowed[scope]}.\n`);
}

const allowed: Record<Scope, string> = {
  read: "reading",
  operate: "reading and operating",
  admin: "everything",
};
