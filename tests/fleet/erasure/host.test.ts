import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type OnHost, readOnHost } from "../../../fleet/erasure/host.ts";

/** An engine whose containers are files: its name, the labels of stack and tenant, then what it sees, a line each. */
const docker = `
case "$1 $2" in
  "ps --all") ls "$BENCH/containers" ;;
  "inspect --format")
    file=$BENCH/containers/$4
    [ -e "$file" ] || exit 1
    case $3 in
      *Mounts*) cat "$file" ;;
      *owui.stack*) head -n 1 "$file" | cut -d ' ' -f 2 ;;
      *) head -n 1 "$file" | cut -d ' ' -f 1 ;;
    esac ;;
  "network ls") cat "$BENCH/network" ;;
  "network rm") : >"$BENCH/network" ;;
  "rm --force") rm "$BENCH/containers/$4" ;;
  "logs "*) cat "$BENCH/log" ;;
  "exec "*) echo "$*" >>"$BENCH/asked"; [ ! -e "$BENCH/refuses" ] || { echo "no such pid" >&2; exit 1; } ;;
  *) ;;
esac`;

describe("erase-tenant.sh", () => {
  let root: string;
  const write = (file: string, text = "x") => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "erase-"));
    write("bin/docker", `#!/bin/sh\n${docker}\n`);
    chmodSync(join(root, "bin/docker"), 0o755);
    write("network", "n1\n");
    write("log", '{"tenant":"acme","path":"/"}\n{"tenant":"acme-eu","path":"/"}\n');
    write("containers/c1", `/owui-local-tenant-acme local acme\n${root}/data/tenants/acme/data\n`);
    write(
      "containers/c2",
      `/owui-local-tenant-acme-trial <no value> <no value>\n${root}/data/tenants/acme/trial/data\n`,
    );
    write("containers/c3", `/scratch local <no value>\n${root}/data/tenants/acme/data.before-12\n`);
    write("containers/c4", `/owui-local-tenant-acme-eu local acme-eu\n${root}/data/tenants/acme-eu/data\n`);
    write("containers/c5", `/owui-local-agent local <no value>\n${root}/data/tenants\n`);
    for (const tenant of ["acme", "acme-eu", "sites"]) {
      write(`data/tenants/${tenant}/data/webui.db`, "rows");
      write(
        `data/tenants/${tenant}/config/identity.json`,
        `{"id":"0000-${tenant.length}","tenant":"${tenant}"}`,
      );
      for (const file of [
        "nginx/sites/T.conf",
        "nginx/tls/T.pem",
        "nginx/tls/T.proxy.pem",
        "acme/config/wanted/T",
      ])
        write(`data/${file.replace("T", tenant)}`);
      write(`backups/${tenant}/config`);
      write(`data/backup/config/passwords/${tenant}`);
      for (const file of ["stores/T.1.store", "records/T.json"])
        write(`data/agent/state/${file.replace("T", tenant)}`);
      write(`data/acme/state/certificates/${tenant}.example.crt`);
    }
    write('data/tenants/acme/data/uploads/it\'s a "file"\n.txt');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const run = (ACTION: "look" | "erase", also: Record<string, string> = {}) => {
    const { status, stdout, stderr } = spawnSync("sh", ["-s"], {
      input: `${SCRIPT}`,
      encoding: "utf8",
      env: {
        ...{ PATH: `${root}/bin:${process.env.PATH}`, BENCH: root, DATA_ROOT: join(root, "data") },
        ...{
          STACK: "local",
          TENANT: "acme",
          DOMAINS: "acme.example",
          BACKUPS: join(root, "backups"),
          ACTION,
          ...also,
        },
      },
    });
    return { status, stdout, stderr };
  };
  const seen = (said: { stdout: string }) => readOnHost(said.stdout) as OnHost;
  const kinds = ({ things }: OnHost) =>
    things.map(({ kind, what }) => [kind, what.replace(root, "")].join(" ")).sort();

  it("finds everything that is the tenant's, and nothing of one whose name begins alike", () => {
    const found = seen(run("look"));
    expect(kinds(found)).toEqual([
      "backups /backups/acme",
      "container owui-local-tenant-acme",
      "container owui-local-tenant-acme-trial",
      "container scratch",
      "directory /data/tenants/acme",
      "file /data/acme/config/wanted/acme",
      "file /data/acme/state/certificates/acme.example.crt",
      "file /data/agent/state/records/acme.json",
      "file /data/agent/state/stores/acme.1.store",
      "file /data/backup/config/passwords/acme",
      "file /data/nginx/sites/acme.conf",
      "file /data/nginx/tls/acme.pem",
      "file /data/nginx/tls/acme.proxy.pem",
      "network owui-local-tenant-acme",
    ]);
    expect(found).toMatchObject({ identity: "0000-4", logs: { nginx: 1 } });
    expect(existsSync(join(root, "data/tenants/acme/data/webui.db"))).toBe(true);
  });

  it("erases it, and leaves every neighbour's things as they were", () => {
    const before = run("look", { TENANT: "acme-eu", DOMAINS: "acme-eu.example" }).stdout;
    expect(seen(run("erase"))).toEqual({ identity: "0000-4", things: [], logs: { nginx: 1 } });
    expect(seen(run("look"))).toEqual({ identity: null, things: [], logs: { nginx: 1 } });
    expect(readdirSync(join(root, "containers"))).toEqual(["c4", "c5"]);
    write("network", "n1\n");
    expect(run("look", { TENANT: "acme-eu", DOMAINS: "acme-eu.example" }).stdout).toBe(before);
  });

  it("has the running nginx serve its site no more, and says where that fails", () => {
    write("containers/owui-local-nginx", "true");
    write("asked", "");
    expect(run("erase")).toMatchObject({ status: 0, stderr: "" });
    const told = "exec owui-local-nginx nginx -s reload -c /etc/fleet/nginx.conf\n";
    expect(readFileSync(join(root, "asked"), "utf8")).toBe(told);
    write("refuses");
    expect(run("erase")).toMatchObject({ status: 1, stderr: expect.stringContaining("no such pid") });
  });

  it("erases a tenant that is called like one of the fleet's own folders, and not the folder", () => {
    run("erase", { TENANT: "sites", DOMAINS: "" });
    expect(existsSync(join(root, "data/nginx/sites/acme.conf"))).toBe(true);
    expect(existsSync(join(root, "data/nginx/sites/sites.conf"))).toBe(false);
    expect(existsSync(join(root, "data/tenants/sites"))).toBe(false);
  });

  it("touches no folder of repositories where none is named", () => {
    run("erase", { BACKUPS: "" });
    expect(readdirSync(join(root, "backups"))).toEqual(["acme", "acme-eu", "sites"]);
  });

  it("finds nothing the second time", () => {
    run("erase");
    expect(seen(run("erase"))).toMatchObject({ things: [] });
  });

  it("goes on behind a run that was killed while it removed files", () => {
    rmSync(join(root, "data/tenants/acme/config"), { recursive: true });
    rmSync(join(root, "containers/c1"));
    expect(seen(run("erase"))).toMatchObject({ identity: null, things: [] });
  });

  it("follows no link out of what is the tenant's", () => {
    write("outside/kept", "kept");
    symlinkSync(join(root, "outside"), join(root, "data/tenants/acme/data/away"));
    symlinkSync(join(root, "outside/kept"), join(root, "data/agent/state/stores/acme.2.store"));
    expect(seen(run("erase"))).toMatchObject({ things: [] });
    expect(existsSync(join(root, "outside/kept"))).toBe(true);
  });

  it("leaves a directory that is a link to somebody's care", () => {
    rmSync(join(root, "data/tenants/acme"), { recursive: true });
    symlinkSync(join(root, "outside"), join(root, "data/tenants/acme"));
    const { status, stderr } = run("erase");
    expect([status, stderr]).toEqual([1, expect.stringContaining("is a link")]);
  });

  it("touches nothing while a container that is none of the fleet's sees the directory", () => {
    write("containers/c6", `/somebody <no value> <no value>\n${root}/data/tenants/acme/data\n`);
    rmSync(join(root, "containers/c1"));
    const { status, stderr } = run("erase");
    expect([status, stderr]).toEqual([1, expect.stringContaining("/somebody sees")]);
    expect(existsSync(join(root, "data/tenants/acme/data/webui.db"))).toBe(true);
  });

  it.each(["", "../acme", "a/b", ".", "acme eu", "*"])("takes %j for no tenant's name", (TENANT) => {
    const { status, stderr } = run("erase", { TENANT });
    expect([status, stderr]).toEqual([2, expect.stringContaining("nothing was touched")]);
    expect(existsSync(join(root, "data/tenants/acme/data/webui.db"))).toBe(true);
  });

  it.each(["../../tenants/acme-eu/data/webui", "*", "a b"])("looks for no certificates of %j", (DOMAINS) => {
    expect(kinds(seen(run("look", { DOMAINS }))).join()).not.toContain("certificates");
  });
});

const SCRIPT = (await import("node:fs")).readFileSync(
  new URL("../../../fleet/on-host/erase-tenant.sh", import.meta.url),
  "utf8",
);

it("a report that was cut off is none", () => {
  expect(readOnHost("found directory 12 /x\n")).toBeUndefined();
});
