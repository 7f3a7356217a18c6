import { lookup as lookUp } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { largestLogo } from "../../components/branding/logo.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";

/** Redirects that are followed: from a name without www, to where files are kept, and one more. */
const MOST_REDIRECTS = 3;
/** For everything, in milliseconds. */
const PATIENCE_MS = 20_000;

/** What a logo is fetched with; tests give others. */
export interface Fetching {
  /** Whether an address may be asked. Default: only those that the whole internet reaches. */
  reachable?: (address: string) => boolean;
  /** PEM of the authorities that are believed; default: those of the system. */
  ca?: string;
  /** Milliseconds. */
  patience?: number;
}

/**
 * Downloads a logo over HTTPS. An address comes from a client's mail and is trusted with nothing: neither it nor what
 * it redirects to may lead to a private, local or reserved address, by name or by number, and it is asked at the very
 * address that was looked at.
 *
 * @throws SetupError what came instead, and what to do
 */
export async function fetchLogo(
  from: string,
  { reachable = isPublic, ca, patience = PATIENCE_MS }: Fetching = {},
): Promise<Buffer> {
  const signal = AbortSignal.timeout(patience);
  let url = urlOf(from);
  for (let redirects = 0; ; redirects++) {
    const answer = await ask(url, reachable, ca, signal).catch((cause: Error) => {
      throw notFetched(
        from,
        signal.aborted ? `nothing came within ${patience / 1000} s` : cause.message,
        cause,
      );
    });
    const { statusCode = 0, headers } = answer;
    if (statusCode === 200)
      return await bodyOf(answer, from).catch((cause: Error) => {
        throw cause instanceof SetupError ? cause : notFetched(from, cause.message, cause);
      });
    answer.destroy();
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined)
      throw notFetched(from, `${url.host} answered with status ${statusCode}`);
    if (redirects === MOST_REDIRECTS)
      throw notFetched(from, `it redirects more than ${MOST_REDIRECTS} times`);
    url = urlOf(new URL(headers.location, url).href);
  }
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") throw notFetched(text, "only https:// addresses are fetched");
  if (url.username !== "" || url.password !== "")
    throw notFetched(`https://${url.host}/…`, "it holds a password");
  return url;
}

async function ask(
  url: URL,
  reachable: (address: string) => boolean,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const name = url.hostname.replace(/^\[|\]$/g, "");
  // A number is connected to without being looked up.
  if (isIP(name) && !reachable(name)) throw new UnreachableError(name, name);
  return new Promise((resolve, reject) => {
    request(url, {
      signal,
      agent: false,
      lookup: lookupOf(reachable),
      headers: { accept: "image/svg+xml,image/png,image/webp,image/jpeg" },
      ...(ca === undefined ? {} : { ca }),
    })
      .once("response", resolve)
      .once("error", reject)
      .end();
  });
}

/** Looks a name up once, and refuses it if any of its addresses may not be asked. */
const lookupOf =
  (reachable: (address: string) => boolean): LookupFunction =>
  (name, options, done) => {
    lookUp(name, { ...options, all: true }).then(
      (addresses) => {
        const [first] = addresses;
        const refused = addresses.find(({ address }) => !reachable(address));
        if (!first || refused) done(new UnreachableError(name, refused?.address ?? "no address"), "");
        else if (options.all) done(null, addresses);
        else done(null, first.address, first.family);
      },
      (error) => done(error, ""),
    );
  };

class UnreachableError extends Error {
  override name = "UnreachableError";

  constructor(name: string, address: string) {
    super(
      name === address
        ? `${name} is not a public address`
        : `${name} is ${address}, which is not a public address`,
    );
  }
}

/** An address that the whole internet reaches: none of a private network, of this machine, of a cloud's metadata, … */
export const isPublic = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === "unicast";

async function bodyOf(answer: IncomingMessage, from: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer) {
    bytes += part.length;
    if (bytes > largestLogo) {
      answer.destroy();
      throw notFetched(from, `it is larger than the ${largestLogo / 2 ** 20} MB that a logo may have`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const notFetched = (from: string, why: string, cause?: Error) =>
  Object.assign(
    new SetupError([
      {
        what: `The logo at ${from} was not fetched.`,
        why: `${why}.`,
        remedy:
          "Give the https:// address of an SVG, PNG, JPEG or WebP file that anybody may fetch, or a file with --logo.",
      },
    ]),
    { cause },
  );
