import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import * as z from "zod";

/** One kind of thing that was erased. */
const Thing = z.strictObject({
  what: z.string(),
  where: z.string(),
  /** What was there, in words; "nothing" where there was none. */
  found: z.string(),
  /** ISO 8601. */
  erased: z.string(),
  /** How it was seen that nothing is left. */
  verified: z.string(),
});
export type Thing = z.infer<typeof Thing>;

/** What an erasure does not reach, and until when it stays. */
const Remainder = z.strictObject({ what: z.string(), where: z.string(), until: z.string() });
export type Remainder = z.infer<typeof Remainder>;

/** What was erased of a tenant, when, and how that was seen; whoever asked for it is named, nobody of the tenant is. */
const Statement = z.strictObject({
  format: z.literal(1),
  kind: z.literal("erasure"),
  stack: z.string(),
  tenant: z.string(),
  /** Id of the data; null where there was none to be found. */
  identity: z.string().nullable(),
  /** Number of the long operation, in the fleet's own record. */
  operation: z.string(),
  askedBy: z.string(),
  askedAt: z.string(),
  /** Until when it could be taken back; null: no waiting time was asked for. */
  waitedUntil: z.string().nullable(),
  completedAt: z.string(),
  things: z.array(Thing),
  remains: z.array(Remainder),
});
export type Statement = z.infer<typeof Statement>;

/** A statement and who vouches for it. */
export const Certificate = z.strictObject({
  statement: Statement,
  signature: z.strictObject({
    algorithm: z.literal("Ed25519"),
    /** SubjectPublicKeyInfo, DER in base64. */
    publicKey: z.string(),
    /** Over {@link signedText}, base64. */
    value: z.string(),
  }),
});
export type Certificate = z.infer<typeof Certificate>;

/** What is signed: a line that no token of the same key begins with, and the statement with its keys in order. */
export const signedText = (statement: Statement): string =>
  `open-webui-infrastructure erasure certificate 1\n${canonical(statement)}`;

/** JSON without white space, keys sorted. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

/**
 * Signs a statement.
 * @param operatorKey the stack's, PKCS#8 PEM, Ed25519
 */
export function certify(statement: Statement, operatorKey: string): Certificate {
  const key = createPrivateKey(operatorKey);
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  return {
    statement,
    signature: {
      algorithm: "Ed25519",
      publicKey: publicKey.toString("base64"),
      value: sign(null, Buffer.from(signedText(statement)), key).toString("base64"),
    },
  };
}

/** SHA-256 of a public key, as certificates show it. */
export const fingerprintOf = (publicKey: string): string =>
  createHash("sha256").update(Buffer.from(publicKey, "base64")).digest("hex");

/** The same of the key that signs for a stack. */
export const fingerprintOfSigner = (operatorKey: string): string =>
  fingerprintOf(
    createPublicKey(createPrivateKey(operatorKey)).export({ type: "spki", format: "der" }).toString("base64"),
  );

/** A certificate as a file has it: JSON, or the page that holds it. Undefined where it is neither. */
export function readCertificate(text: string): Certificate | undefined {
  const [, inner] = /<script type="application\/json" id="certificate">([^<]*)<\/script>/.exec(text) ?? [];
  try {
    return Certificate.safeParse(JSON.parse(inner ?? text)).data;
  } catch {
    return undefined;
  }
}

/** Whether the statement is what the key signed. */
export function isGenuine({ statement, signature }: Certificate): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.from(signature.publicKey, "base64"),
      format: "der",
      type: "spki",
    });
    if (key.asymmetricKeyType !== "ed25519") return false;
    return verify(null, Buffer.from(signedText(statement)), key, Buffer.from(signature.value, "base64"));
  } catch {
    return false;
  }
}
