/**
 * A stack's config as the engine hands it over (`pulumi.runtime.allConfig()`: JSON texts by `<project>:<key>`),
 * as plain values. Taken whole, so that an unknown key is seen too; secrets in it are already decrypted.
 */
export function stackConfig(project: string, all: Readonly<Record<string, string>>): Record<string, unknown> {
  const prefix = `${project}:`;
  const own = Object.entries(all).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, text]) => [key.slice(prefix.length), plainValue(text)]));
}

/** Texts stand there bare, everything else as JSON. */
function plainValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
