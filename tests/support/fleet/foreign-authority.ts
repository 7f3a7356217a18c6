import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Credentials } from "./agent-door.ts";
import { run } from "./command.ts";

/**
 * A certificate that says all that the given one says, for another key, signed by an authority that bears
 * the real authority's name and is not it.
 */
export const foreignCredentials = async (like: string, authority: string): Promise<Credentials> => {
  const directory = await mkdtemp(join(tmpdir(), "foreign-authority-"));
  const openssl = (...args: string[]) => run(["openssl", ...args], { directory });
  const newKey = (file: string) =>
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file);
  try {
    await writeFile(join(directory, "real.crt"), like);
    await writeFile(join(directory, "real-ca.crt"), authority);
    await newKey("ca.key");
    await newKey("own.key");
    await openssl("x509", "-in", "real-ca.crt", "-signkey", "ca.key", "-out", "ca.crt");
    const copying = ["-copy_extensions", "copy"];
    await openssl(
      "x509",
      "-x509toreq",
      "-in",
      "real.crt",
      "-signkey",
      "own.key",
      ...copying,
      "-out",
      "own.csr",
    );
    await openssl(
      ...["x509", "-req", "-in", "own.csr", ...copying, "-out", "own.crt"],
      ...["-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial", "1"],
    );
    return {
      cert: await readFile(join(directory, "own.crt"), "utf8"),
      key: await readFile(join(directory, "own.key"), "utf8"),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
};
