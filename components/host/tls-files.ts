import type * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../certificate-authority.ts";
import type { LayoutEntry } from "./layout.ts";

/** What a program that speaks TLS finds in its directory: certificate, key, authority; for `group` alone to read. */
export const tlsFiles = (
  directory: string,
  group: number,
  { certificate, key }: Identity,
  ca: pulumi.Input<string>,
): LayoutEntry[] => {
  const file = (name: string, content: pulumi.Input<string>): LayoutEntry => ({
    kind: "file",
    path: `${directory}/${name}`,
    mode: "0440",
    owner: `0:${group}`,
    content,
  });
  return [file("tls.crt", certificate), file("tls.key", key), file("ca.crt", ca)];
};
