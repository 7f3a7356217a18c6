import { createPrivateKey, randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { calculateJwkThumbprint, exportJWK, SignJWT } from "jose";

export type Scope = "read" | "operate" | "admin";

/** What a token is made for. */
export interface TokenRequest {
  scope: Scope;
  /** Seconds it is valid; the nodes take no more than 600. A minute, which is what a command needs. */
  seconds?: number;
  /** Who acts, as the nodes' audit log will have it. */
  subject?: string;
}

/**
 * A token that the nodes accept.
 * @param operatorKey private key of the stack, PKCS#8 PEM
 */
export async function operatorToken(
  operatorKey: string,
  { scope, seconds = 60, subject = whoAmI() }: TokenRequest,
): Promise<string> {
  const key = createPrivateKey(operatorKey);
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: "EdDSA", kid: await calculateJwkThumbprint(await exportJWK(key)) })
    .setSubject(subject)
    .setJti(randomUUID())
    .setAudience("owui-cluster")
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(key);
}

/** The name of who runs the command; a user without a name has a number. */
function whoAmI(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "unknown"}`;
  }
}
