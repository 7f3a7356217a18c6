import { createHash, createHmac } from "node:crypto";

/** Who asks. */
export interface S3Key {
  id: string;
  secret: string;
  region: string;
}

/** A request without a body, as it is signed. */
export interface S3Request {
  method: string;
  /** With its query; every part as it is sent. */
  url: URL;
  /** Sent and signed besides, in lower case. */
  headers?: Record<string, string>;
  /** What it holds; most hold nothing. */
  body?: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** As S3 wants it: every byte but letters, digits and `-._~` as `%XX`. */
export const s3Encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** A query in the order in which it is signed. */
export const s3Query = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${s3Encoded(name)}=${s3Encoded(value)}`)
    .sort()
    .join("&");

/**
 * Headers with which a request is the key's: AWS Signature Version 4, which everything takes that speaks S3's protocol.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signed({ method, url, headers = {}, body = "" }: S3Request, key: S3Key, now: Date): Headers {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const all: Record<string, string> = {
    ...headers,
    ...{ host: url.host, "x-amz-content-sha256": sha256(body), "x-amz-date": time },
  };
  const names = Object.keys(all).sort();
  const canonical = [
    ...[method, url.pathname, url.search.slice(1)],
    ...names.map((name) => `${name}:${all[name]?.trim()}`),
    ...["", names.join(";"), sha256(body)],
  ].join("\n");
  const scope = `${day}/${key.region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const signing = [day, key.region, "s3", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${key.secret}`);
  const signature = hmac(signing, text).toString("hex");
  const { host: _, ...sent } = all;
  return new Headers({
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${key.id}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  });
}
