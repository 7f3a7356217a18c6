import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

/** Rounds that Postgres itself uses. */
const iterations = 4096;

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/**
 * A password as Postgres stores it (RFC 5802 verifier). Sent in its place, the password stands in no statement, and so
 * in no server log.
 */
export const scramVerifier = (password: string, salt: Buffer = randomBytes(16)): string => {
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, 32, "sha256");
  const stored = createHash("sha256").update(hmac(salted, "Client Key")).digest("base64");
  const server = hmac(salted, "Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`;
};
