import { createHash, type KeyObject, randomBytes } from "node:crypto";

/** Keys in OpenSSH's formats: RFC 4253 for public ones, PROTOCOL.key of OpenSSH for private ones. */

/** A string of the protocol: its length, then its bytes. */
const field = (content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** A positive number: no leading zeros, but one where the first bit would read as a sign. */
const mpint = (base64url: string): Buffer => {
  const bytes = Buffer.from(base64url, "base64url");
  const start = bytes.findIndex((byte) => byte !== 0);
  const trimmed = start < 0 ? Buffer.alloc(0) : bytes.subarray(start);
  return field((trimmed[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), trimmed]) : trimmed);
};

/** A key's numbers in base64url, which node exports for every kind of key. */
type Jwk = Record<"crv" | "x" | "y" | "n" | "e" | "d" | "p" | "q" | "qi", string>;

/** OpenSSH's names of the curves. */
const curves: Record<string, string> = { "P-256": "nistp256", "P-384": "nistp384", "P-521": "nistp521" };

/** A point of a curve, uncompressed. */
const point = ({ x, y }: Jwk): Buffer =>
  Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);

/** Name of the key's type, its public fields, and the fields a private key adds. */
const partsOf = (jwk: Jwk, type: string) => {
  if (type === "ed25519") {
    const open = Buffer.from(jwk.x, "base64url");
    const secret = () => [field(open), field(Buffer.concat([Buffer.from(jwk.d, "base64url"), open]))];
    return { name: "ssh-ed25519", open: [field(open)], secret };
  }
  if (type === "ec") {
    const curve = curves[jwk.crv] ?? jwk.crv;
    const open = [field(curve), field(point(jwk))];
    return { name: `ecdsa-sha2-${curve}`, open, secret: () => [...open, mpint(jwk.d)] };
  }
  const secret = () => [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map(mpint);
  return { name: "ssh-rsa", open: [mpint(jwk.e), mpint(jwk.n)], secret };
};

/** A public key as the protocol sends it; everything else here is made of it. */
const publicBlob = (publicKey: KeyObject): { name: string; blob: Buffer } => {
  const jwk = publicKey.export({ format: "jwk" }) as unknown as Jwk;
  const { name, open } = partsOf(jwk, publicKey.asymmetricKeyType ?? "");
  return { name, blob: Buffer.concat([field(name), ...open]) };
};

/** One line of authorized_keys, with its newline. */
export const opensshPublic = (publicKey: KeyObject): string => {
  const { name, blob } = publicBlob(publicKey);
  return `${name} ${blob.toString("base64")}\n`;
};

/** Fingerprints as ssh-keygen prints them: MD5 without its prefix, SHA256 with it. */
export const fingerprints = (publicKey: KeyObject): { md5: string; sha256: string } => {
  const { blob } = publicBlob(publicKey);
  const md5 = createHash("md5").update(blob).digest("hex");
  const sha256 = createHash("sha256").update(blob).digest("base64").replace(/=+$/, "");
  return { md5: md5.match(/../g)?.join(":") ?? "", sha256: `SHA256:${sha256}` };
};

/** An unencrypted OPENSSH PRIVATE KEY block. */
export const opensshPrivate = (privateKey: KeyObject, publicKey: KeyObject): string => {
  const jwk = privateKey.export({ format: "jwk" }) as unknown as Jwk;
  const { name, secret } = partsOf(jwk, privateKey.asymmetricKeyType ?? "");
  // Twice the same four bytes tell a reader that it decrypted well; this one is not encrypted.
  const probe = randomBytes(4);
  const body = Buffer.concat([probe, probe, field(name), ...secret(), field("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    Buffer.of(0, 0, 0, 1),
    field(publicBlob(publicKey).blob),
    field(Buffer.concat([body, padding])),
  ]);
  const lines =
    file
      .toString("base64")
      .match(/.{1,70}/g)
      ?.join("\n") ?? "";
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
};
