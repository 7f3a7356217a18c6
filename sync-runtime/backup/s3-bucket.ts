import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsV4Signer } from "aws4fetch";
import { BackupError } from "./backup-error.ts";
import type { Repository } from "./config.ts";

/** A repository in a bucket. */
export type S3Repository = Extract<Repository, { kind: "s3" }>;

/** What a bucket holds under one name: an object, an older version of one, or the mark that one was deleted. */
export interface S3Object {
  key: string;
  /** Absent: the bucket was asked for what it shows, not for versions. */
  version?: string;
  bytes: number;
}

/** What is asked of a server. */
interface S3Request {
  method: string;
  /** With its query; every part as it is sent. */
  url: string;
  headers?: Record<string, string>;
  body?: string;
}

/** What a server said no with. */
export class S3Refusal extends BackupError {
  override name = "S3Refusal";
  status = 0;
}

/** Answers that another try may not get. */
const passing = new Set([429, 500, 502, 503, 504]);
const tries = 4;
const againMs = 500;
/** A server that says nothing for so long is away. */
const silenceMs = 60_000;

/** A bucket as far as what lies below one prefix is looked at and removed: restic does the rest. */
export class S3Bucket {
  readonly #repository: Omit<S3Repository, "kind" | "keyFile">;
  readonly #secret: string;

  constructor(repository: Omit<S3Repository, "kind" | "keyFile">, secret: string) {
    this.#repository = repository;
    this.#secret = secret;
  }

  /**
   * What lies in a tenant's folder.
   * @param versions whether older versions are told as well; refused by servers that keep none, and to keys that may not see them
   * @param most how many at most; all of them by default
   */
  async list(
    tenant: string,
    { versions = false, most = Number.POSITIVE_INFINITY }: { versions?: boolean; most?: number },
    signal: AbortSignal,
  ): Promise<S3Object[]> {
    const prefix = `${[this.#repository.prefix, tenant].filter(Boolean).join("/")}/`;
    const found: S3Object[] = [];
    let next: Record<string, string> = {};
    do {
      const asked: Record<string, string> = versions ? { versions: "" } : { "list-type": "2" };
      if (most < 1000) asked["max-keys"] = String(most);
      const text = await this.request(
        "GET",
        "",
        { ...asked, prefix, "encoding-type": "url", ...next },
        signal,
      );
      const page = readPage(text, versions);
      // A server that knows no prefix is not to have others' things removed.
      found.push(...page.objects.filter(({ key }) => key.startsWith(prefix)));
      next = page.next;
    } while (Object.keys(next).length > 0 && found.length < most);
    return found;
  }

  async remove({ key, version }: S3Object, signal: AbortSignal): Promise<void> {
    const query: Record<string, string> = version === undefined ? {} : { versionId: version };
    await this.request("DELETE", key, query, signal).catch((error) => {
      if (!(error instanceof S3Refusal)) throw error;
      // Gone already, as behind an answer that was lost.
      if (error.status === 404) return;
      throw new BackupError("deletion-refused", `${key} cannot be deleted. ${error.message}`, {
        cause: error,
      });
    });
  }

  /** Asks; answers what it said. What it refuses is an S3Refusal. */
  async request(
    method: string,
    key: string,
    query: Record<string, string>,
    signal: AbortSignal,
    { headers, body }: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<string> {
    const { endpoint, bucket } = this.#repository;
    const path = [bucket, ...(key === "" ? [] : key.split("/"))].map(s3Encoded).join("/");
    const asked = Object.entries(query).map((pair) => pair.map(s3Encoded).join("="));
    const url = `${endpoint}/${path}?${asked.join("&")}`;
    for (let left = tries - 1; ; left -= 1) {
      const answer = await this.#answer(
        { method, url, ...(headers && { headers }), ...(body && { body }) },
        signal,
      );
      if (typeof answer === "object" && answer.status < 300) return answer.text;
      if (left === 0 || (typeof answer === "object" && !passing.has(answer.status)))
        throw typeof answer === "object" ? refusal(bucket, answer) : away(endpoint, answer);
      await sleep(againMs * 2 ** (tries - 1 - left), undefined, { signal });
    }
  }

  /** A text says why there was none. */
  async #answer(request: S3Request, signal: AbortSignal): Promise<{ status: number; text: string } | string> {
    try {
      const { url, ...sent } = await this.#signed(request);
      const answer = await fetch(url, {
        ...sent,
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(silenceMs)]),
      });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      signal.throwIfAborted();
      const { message, cause } = error as Error;
      return cause instanceof Error && cause.message !== "" ? cause.message : message;
    }
  }

  /** As its key's, what it holds included. */
  #signed({ headers, body = "", ...request }: S3Request) {
    const { keyId, region } = this.#repository;
    const hash = createHash("sha256").update(body).digest("hex");
    return new AwsV4Signer({
      ...{ ...request, headers: { ...headers, "x-amz-content-sha256": hash } },
      ...(body === "" ? {} : { body }),
      ...{ accessKeyId: keyId, secretAccessKey: this.#secret, region, service: "s3" },
    }).sign();
  }
}

/** As S3 wants it: every byte but letters, digits and `-._~` as `%XX`. */
export const s3Encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** The bucket of a repository, with its key. */
export const bucketOf = async (repository: S3Repository): Promise<S3Bucket> =>
  new S3Bucket(repository, (await readFile(repository.keyFile, "utf8")).trim());

const away = (endpoint: string, why: string) =>
  new BackupError("repository-away", `${endpoint} cannot be reached: ${why}.`);

function refusal(bucket: string, { status, text }: { status: number; text: string }): S3Refusal {
  const said = [valueIn(text, "Code"), valueIn(text, "Message")]
    .filter(Boolean)
    .join(": ")
    .slice(0, 500)
    .replace(/\.+$/, "");
  const isThere = status !== 404 || valueIn(text, "Code") !== "NoSuchBucket";
  const error = new S3Refusal(
    isThere && status < 500 ? "repository-refused" : "repository-away",
    `The server of bucket ${bucket} answered with ${status}${said ? `: ${said}` : ""}.`,
  );
  return Object.assign(error, { status });
}

/** A page of a list, and how the next one is asked for. Pure. */
export function readPage(
  text: string,
  versions: boolean,
): { objects: S3Object[]; next: Record<string, string> } {
  const decoded = (value: string) =>
    valueIn(text, "EncodingType") === "url"
      ? decodeURIComponent(value.replaceAll("+", " "))
      : unescaped(value);
  const parts = text.match(/<(Contents|Version|DeleteMarker)>.*?<\/\1>/gs) ?? [];
  const objects = parts.map((part) => ({
    key: decoded(valueIn(part, "Key") ?? ""),
    ...(versions ? { version: valueIn(part, "VersionId") ?? "null" } : {}),
    bytes: Number(valueIn(part, "Size") ?? 0),
  }));
  if (valueIn(text, "IsTruncated") !== "true") return { objects, next: {} };
  const token = valueIn(text, "NextContinuationToken");
  const marks = {
    "key-marker": valueIn(text, "NextKeyMarker"),
    "version-id-marker": valueIn(text, "NextVersionIdMarker"),
  };
  const next = versions
    ? Object.entries(marks).flatMap(([name, value]) => (value ? [[name, decoded(value)]] : []))
    : token
      ? [["continuation-token", unescaped(token)]]
      : [];
  // A list that does not say how it goes on would be taken for all there is.
  if (next.length === 0)
    throw new BackupError("repository-away", "The server cut a list off and did not say where it goes on.");
  return { objects, next: Object.fromEntries(next) };
}

const valueIn = (text: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
const unescaped = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(lt|gt|quot|apos|amp));/gi, (_, hex, decimal, name) =>
    name ? (entities[name] ?? "") : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  );
