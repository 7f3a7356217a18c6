/** How Pulumi marks an encrypted value in a stack's export. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Shorter values (`true`, a port) are no secrets and stand in many places. */
const SHORTEST = 12;

interface EncryptedValue {
  ciphertext?: string;
  plaintext?: string;
}

const encrypted = (value: unknown): EncryptedValue | undefined =>
  (value as Record<string, unknown> | null)?.[SIGNATURE] === SECRET ? (value as EncryptedValue) : undefined;

/**
 * Every secret of a stack, from `pulumi stack export --show-secrets`, by its path in the export.
 *
 * A PEM key counts as its longest line: how its line breaks are written differs from place to place.
 */
export const stackSecrets = (exported: unknown, path = ""): Map<string, string> => {
  if (typeof exported !== "object" || exported === null) return new Map();
  const secret = encrypted(exported);
  if (secret) return new Map(texts(JSON.parse(secret.plaintext ?? "null"), path));
  const children = Object.entries(exported).flatMap(([key, value]) => [
    ...stackSecrets(value, `${path}/${label(key, value)}`),
  ]);
  return new Map(children);
};

/** A resource's URN says more than its place in a list. */
const label = (key: string, value: unknown): string =>
  (value as { urn?: string } | null)?.urn?.split("::").slice(2).join("::") ?? key;

const texts = (value: unknown, path: string): [string, string][] => {
  if (typeof value === "string") {
    const needle = needleOf(value);
    return needle.length < SHORTEST ? [] : [[path, needle]];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => texts(child, `${path}/${key}`));
};

/** The part of a secret that is looked for. */
export const needleOf = (secret: string): string =>
  secret
    .trim()
    .split("\n")
    .reduce((longest, line) => (line.length > longest.length ? line : longest), "");

/** Names of the secrets that a text holds. */
export const secretsIn = (text: string, needles: ReadonlyMap<string, string>): string[] =>
  [...needles].filter(([, needle]) => text.includes(needle)).map(([name]) => name);
