import * as pulumi from "@pulumi/pulumi";

/** Who owns a file on a host, as numbers: `0:8050`. */
export type Owner = `${number}:${number}`;

/** The superuser of host and containers. */
export const root: Owner = "0:0";

/** One thing that has to exist below a host's data root; `path` is relative to it and free of white space. */
export type LayoutEntry =
  | { kind: "directory"; path: string; mode: string; owner: Owner }
  /** Replaced as a whole when its content changes; readers see the old or the new one. */
  | { kind: "file"; path: string; mode: string; owner: Owner; content: pulumi.Input<string> }
  /** The same, but what it was before stays beside it, in its `.former`, a line each: something may be locked with it. */
  | { kind: "passphrase"; path: string; mode: string; owner: Owner; content: pulumi.Input<string> }
  /** A file of certificates that are believed: these come to those in it, and a moment passes for all to notice. */
  | { kind: "trust"; path: string; mode: string; owner: Owner; content: pulumi.Input<string> }
  /** These are all that it holds, once a moment has passed for all to have stopped showing others. */
  | { kind: "trust-only"; path: string; mode: string; owner: Owner; content: pulumi.Input<string> }
  /** 32 random letters and digits, made once on the host and kept for ever. */
  | { kind: "secret"; path: string; mode: string; owner: Owner }
  /** A file whose content the script prints, so that the stack knows it. */
  | { kind: "print"; path: string };

/** What {@link LayoutEntry | layout.sh} reads, one line an entry: `kind mode owner path base64`. */
export function layoutLines(entries: LayoutEntry[]): pulumi.Output<string> {
  return pulumi.all(entries.map(layoutLine)).apply((lines) => `${lines.join("\n")}\n`);
}

function layoutLine(entry: LayoutEntry): pulumi.Input<string> {
  if (/\s/.test(entry.path)) throw new RangeError(`a path of a layout holds white space: "${entry.path}"`);
  switch (entry.kind) {
    case "print":
      return `print - - ${entry.path} -`;
    case "file":
    case "passphrase":
    case "trust":
    case "trust-only":
      return pulumi
        .output(entry.content)
        .apply((content) => `${head(entry)} ${Buffer.from(content).toString("base64") || "-"}`);
    default:
      return `${head(entry)} -`;
  }
}

const head = ({ kind, mode, owner, path }: Exclude<LayoutEntry, { kind: "print" }>): string =>
  `${kind} ${mode} ${owner} ${path}`;
