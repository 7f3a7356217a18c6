import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Script } from "../../../components/host/shell.ts";
import { Workbench } from "./script.ts";

/**
 * Stands in for the docker command: nginx refuses a configuration in which "broken" stands, and its reloads are
 * counted in a file.
 */
const docker = (status: string) => `
case "$*" in
  inspect*) echo ${status} ;;
  *"nginx -t"*) if grep -q broken -r . ; then echo "unexpected broken" >&2; exit 1; fi ;;
  *"nginx -s reload"*) echo reload >>"$NGINX/../reloads" ;;
  *) exit 99 ;;
esac`;

describe("a file of nginx's configuration", () => {
  let host: Workbench;
  let nginx: { NGINX: string; CONTAINER: string };
  beforeEach(() => {
    host = new Workbench();
    nginx = { NGINX: join(host.root, "nginx"), CONTAINER: "owui-test-nginx" };
    host.write("nginx/nginx.conf", "main");
    host.write("nginx/sites/acme.conf", "old");
    host.program("docker", docker("running"));
  });
  afterEach(() => host.remove());

  const reload = (): Script => ({ script: "reload-nginx", variables: nginx });
  const install = (content: string, file = "sites/acme.conf") =>
    host.run([{ script: "install-nginx-file", variables: { ...nginx, FILE: file } }, reload()], content);
  const text = (file: string) => readFileSync(join(nginx.NGINX, file), "utf8");
  const reloads = () => {
    const log = join(host.root, "reloads");
    return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").length : 0;
  };

  it("is served by a reload once the whole was tested", () => {
    expect(install("new")).toMatchObject({ status: 0 });
    expect(text("sites/acme.conf")).toBe("new");
    expect(reloads()).toBe(1);
  });

  it("is taken back when nginx refuses it, with what nginx said", () => {
    const { status, stderr } = install("broken");
    expect(status).toBe(1);
    expect(stderr).toBe(
      "nginx refused sites/acme.conf; the file was taken back and every site is served as before. It said:\nunexpected broken\n",
    );
    expect(text("sites/acme.conf")).toBe("old");
    expect(reloads()).toBe(0);
  });

  it("is gone again when nginx refuses it and there was none before", () => {
    expect(install("broken", "sites/globex.conf").status).toBe(1);
    expect(existsSync(join(nginx.NGINX, "sites/globex.conf"))).toBe(false);
  });

  it("leaves nothing of its work behind", () => {
    install("new");
    install("broken");
    expect(readdirSync(nginx.NGINX).sort()).toEqual([".lock", ".reloaded", "nginx.conf", "sites"]);
  });

  it.each(["exited", "restarting", "''"])("waits for an nginx that is %s to read it by itself", (status) => {
    host.program("docker", docker(status));
    expect(install("new").status).toBe(0);
    expect(text("sites/acme.conf")).toBe("new");
    expect(reloads()).toBe(0);
  });

  it("shares a reload that began after it was in place", () => {
    install("new");
    // What another install does that comes meanwhile: its reload begins later than this file's change.
    host.program(
      "touch",
      `/usr/bin/touch "$@"; case "$1" in .changed.*) sleep 0.01; /usr/bin/touch .reloaded ;; esac`,
    );
    expect(install("newer").status).toBe(0);
    expect(reloads()).toBe(1);
  });

  it("is not served any more once it was removed", () => {
    const removed = host.run([
      { script: "remove-nginx-file", variables: { ...nginx, FILE: "sites/acme.conf" } },
      reload(),
    ]);
    expect(removed.status).toBe(0);
    expect(existsSync(join(nginx.NGINX, "sites/acme.conf"))).toBe(false);
    expect(reloads()).toBe(1);
  });
});
