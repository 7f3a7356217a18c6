import type * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../certificate-authority.ts";
import type { LayoutEntry } from "./layout.ts";

/** Where a program that speaks TLS finds its files, and the group that alone may read them. */
export interface TlsDirectory {
  /** Relative to the host's data root. */
  path: string;
  group: number;
}

/** What a program shows: certificate and key. */
export const identityFiles = (directory: TlsDirectory, { certificate, key }: Identity): LayoutEntry[] => [
  { kind: "file", ...readable(directory, "tls.crt"), content: certificate },
  { kind: "file", ...readable(directory, "tls.key"), content: key },
];

/**
 * Whom a program believes.
 * @param kind whether the authorities come to those that are in the file, or take their place
 */
export const trustFile = (
  kind: "trust" | "trust-only",
  directory: TlsDirectory,
  authorities: pulumi.Input<string>,
): LayoutEntry => ({ kind, ...readable(directory, "ca.crt"), content: authorities });

const readable = ({ path, group }: TlsDirectory, name: string) =>
  ({ path: `${path}/${name}`, mode: "0440", owner: `0:${group}` }) as const;
