import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import type { Draft } from "./draft.ts";
import type { AuthoritySpec } from "./model.ts";
import type { Problem } from "./problem.ts";

const isPem = (given: string): boolean => given.includes("-----BEGIN");

/** The certificates that `ca` of an external database names or holds. */
export function readAuthority(given: string, repository: string): AuthoritySpec {
  if (isPem(given)) return { pem: blocksOf(given).join("\n") };
  const file = resolve(repository, given);
  return { pem: blocksOf(readFileSync(file, "utf8")).join("\n"), file: relative(repository, file) };
}

/** What is wrong with the authority of an external database; its file is looked for from the repository. */
export function authorityProblems({ sync }: Draft, repository: string): Problem[] {
  if (sync.database?.kind !== "external") return [];
  const wrong = wrongAuthority(sync.database.ca, repository);
  return wrong ? [{ path: "sync.database.ca", ...wrong }] : [];
}

/** Why what `ca` names or holds is no authority's certificate; undefined where it is. */
export function wrongAuthority(ca: string, repository: string): Omit<Problem, "path"> | undefined {
  const file = resolve(repository, ca);
  if (!isPem(ca) && !statSync(file, { throwIfNoEntry: false })?.isFile())
    return {
      found: `${JSON.stringify(ca.slice(0, 80))}, where there is no file`,
      remedy: `put the PEM certificate of the server's authority at ${file}, or correct the path`,
    };
  const found = whatIsWrong(blocksOf(isPem(ca) ? ca : readFileSync(file, "utf8")));
  return found === undefined
    ? undefined
    : {
        found,
        remedy:
          "download the authority's certificate from whoever runs the server; it begins with -----BEGIN CERTIFICATE-----",
      };
}

/** What is between BEGIN and END, these included; people write comments around it. */
const blocksOf = (text: string): string[] =>
  text.match(/-----BEGIN [A-Z ]+-----[^-]*-----END [A-Z ]+-----/g) ?? [];

function whatIsWrong(certificates: string[]): string | undefined {
  if (certificates.length === 0) return "no certificate in PEM";
  for (const text of certificates) {
    const certificate = certificateOf(text);
    if (!certificate) return `something in PEM that is no certificate: ${text.split("\n")[0]}`;
    // A server's own certificate may be believed where it signed itself.
    if (!certificate.ca && !certificate.checkIssued(certificate))
      return `a certificate that cannot sign others (${certificate.subject.replaceAll("\n", ", ")}): perhaps the server's own`;
  }
  return undefined;
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
