import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import { LocalMachine } from "../../components/machine/local-machine.ts";
import { SyncCluster } from "../../components/sync-cluster.ts";
import { SyncDatabase } from "../../components/sync-database.ts";
import { Trust } from "../../components/trust.ts";
import { Writer } from "../../components/writer.ts";
import { SEED } from "../support/random-seed.ts";
import { type Declaration, declaredBy, plain } from "./engine.ts";
import { ownOwner, Workbench } from "./host/script.ts";
import { declareHost, hostSpec, syncSpec, tenantSpec } from "./specs.ts";

/** Whatever shows a certificate, and who believes whom: the fleet without its tenants. */
const declared = (generation: number) =>
  declaredBy(() => {
    const tenants = [tenantSpec({ sync: { ...tenantSpec().sync, direction: "both" } })];
    const authority = new CertificateAuthority("authority", { generation });
    const trust = new Trust("trust", {
      authority,
      machines: [new LocalMachine(hostSpec)],
      sync: syncSpec,
      tenants,
      monitored: true,
    });
    const { host } = declareHost({ authority });
    const shared = { stack: "test", running: true, host, spec: syncSpec, authority };
    const written = tenants.map((spec) => ({ spec, home: host }));
    new Writer("local-writer", { ...shared, cluster: syncSpec, tenants: written });
    const database = new SyncDatabase("database", { ...shared, tenants: [] });
    new SyncCluster("main", { ...shared, watched: true, database, hosts: [host], tenants: [] });
    trust.forgetFormer("trust-only");
  });

const showing = [
  "local-agent-tls",
  "local-writer-tls",
  "database-server-tls",
  "main-node-a-tls",
  "main-node-b-tls",
];
const directories = ["agent/config", "writer/config", "postgres/config", "nodes/a", "nodes/b"];

describe("a change of authorities", () => {
  it("shows new certificates once everybody believes who issued them", async () => {
    const fleet = await declared(2);
    for (const name of showing) expect(fleet.one(name).after).toContain("trust-local");
  });

  it("lets the former go once nobody shows what it issued", async () => {
    expect((await declared(2)).one("trust-only-local").after).toEqual(expect.arrayContaining(showing));
  });

  it("reaches everybody who believes an authority", async () => {
    for (const command of ["trust-local", "trust-only-local"]) {
      const files = linesOf(await declared(2), command).map(({ path }) => path);
      expect(files).toEqual(expect.arrayContaining(directories.map((directory) => `${directory}/ca.crt`)));
    }
  });
});

describe("whatever up is broken off wherever", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
    host.program("sleep", "");
  });
  afterEach(() => host.remove());

  it("everybody believes whoever issued the certificate of anybody", { timeout: 120_000 }, async () => {
    const fleets = new Map<number, Declaration>();
    for (const generation of [1, 2, 3, 4]) fleets.set(generation, await declared(generation));
    const up = fc.record({
      generation: fc.integer({ min: 1, max: 4 }),
      order: fc.shuffledSubarray(showing, { minLength: showing.length }),
      /** How many lines of its commands it writes before it is killed. */
      lines: fc.oneof(fc.nat({ max: 24 }), fc.constant(Number.POSITIVE_INFINITY)),
    });
    await fc.assert(
      fc.property(fc.array(up, { minLength: 2, maxLength: 4 }), (ups) => {
        host.remove();
        host = new Workbench();
        host.program("sleep", "");
        /** What each command was last run with; it runs again for something else only, as the engine has it. */
        const done = new Map<string, string>();
        for (const { generation, order, lines } of ups) {
          let left = lines;
          for (const command of ["trust-local", ...order, "trust-only-local"]) {
            const all = linesOf(fleets.get(generation) as Declaration, command);
            if (done.get(command) === textOf(all)) continue;
            run(all.slice(0, left));
            if (left < all.length) break;
            left -= all.length;
            done.set(command, textOf(all));
          }
        }
      }),
      { seed: SEED, numRuns: 12 },
    );
  });

  /** What a command does before it ends or is killed. */
  function run(lines: Line[]): void {
    const script = { script: "layout", variables: { ROOT: host.root } } as const;
    expect(host.run([script], textOf(lines))).toEqual({ status: 0, stdout: "", stderr: "" });
    expectBelief();
  }

  /** Of everybody by everybody; more than anybody needs. */
  function expectBelief(): void {
    const text = (path: string) =>
      existsSync(join(host.root, path)) ? readFileSync(join(host.root, path), "utf8") : undefined;
    for (const shows of directories) {
      const issuer = text(`${shows}/tls.crt`);
      if (issuer === undefined) continue;
      for (const believes of directories)
        expect(text(`${believes}/ca.crt`), `${believes} believes the issuer of ${shows}`).toContain(
          `\n${authorityOf(issuer)}\n`,
        );
    }
  }
});

interface Line {
  kind: string;
  mode: string;
  path: string;
  content: string;
}

/** What a command writes. */
function linesOf(fleet: Declaration, command: string): Line[] {
  const lines = String(plain(fleet.one(command).inputs.stdin))
    .trim()
    .split("\n");
  return lines.map((line) => {
    const [kind = "", mode = "", , path = "", content = ""] = line.split(" ");
    return { kind, mode, path, content: Buffer.from(content, "base64").toString() };
  });
}

/** The same for this machine: files of whoever runs the test, and authorities that look like certificates. */
const textOf = (lines: Line[]): string =>
  lines
    .map(({ kind, mode, path, content }) => {
      const written = kind.startsWith("trust") ? pemOf(content) : content;
      const encoded = kind === "directory" ? "-" : Buffer.from(written).toString("base64");
      return `${kind} ${kind === "directory" ? "0750" : mode} ${ownOwner} ${path} ${encoded}\n`;
    })
    .join("");

/** The mocked engine's authorities, `certificate of authority-certificate-2`, as a file of certificates. */
const pemOf = (authorities: string): string =>
  authorities
    .split("certificate of ")
    .filter(Boolean)
    .map((name) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`)
    .join("");

/** Who issued a certificate of the mocked engine: each authority's have its number. */
const authorityOf = (certificate: string): string =>
  `authority-certificate${/-certificate(-\d+)?$/.exec(certificate)?.[1] ?? ""}`;
