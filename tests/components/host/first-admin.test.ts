import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

/** Stands in for the docker command: an Open WebUI that answers, and writes down what it was asked and sent. */
const docker = ({ onboarding, status = 200 }: { onboarding: boolean; status?: number }) => `
echo "$*" >>"$ROOT/calls"
case "$*" in
  *"/api/config") echo '{"status":true${onboarding ? ',"onboarding":true' : ""}}' ;;
  *"/auths/signup") cat >"$ROOT/sent"; printf ${status} ;;
esac`;

describe("first-admin.sh", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
    host.write("tenants/acme/config/admin-password", "s3cret");
  });
  afterEach(() => host.remove());

  const run = () => {
    const PROFILE = '"email":"ann@acme.example","name":"Ann \\"%s\\" O\'Neill"';
    const variables = { ROOT: host.root, TENANT: "acme", CONTAINER: "owui-test-tenant-acme", PROFILE };
    return host.run([{ script: "first-admin", variables }]);
  };

  it("makes the account while there is none, its password in nobody's command line", () => {
    host.program("docker", docker({ onboarding: true }));
    expect(run()).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(JSON.parse(readFileSync(join(host.root, "sent"), "utf8"))).toEqual({
      email: "ann@acme.example",
      name: 'Ann "%s" O\'Neill',
      password: "s3cret",
    });
    expect(readFileSync(join(host.root, "calls"), "utf8")).not.toContain("s3cret");
  });

  it("leaves those alone who are there already", () => {
    host.program("docker", docker({ onboarding: false }));
    expect(run().status).toBe(0);
    expect(existsSync(join(host.root, "sent"))).toBe(false);
  });

  it("says what was refused, and that nobody can reach the tenant yet", () => {
    host.program("docker", docker({ onboarding: true, status: 403 }));
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toBe(
      "Open WebUI of tenant acme refused its first account with status 403; no site leads to it yet.\n" +
        "See what it says: docker logs owui-test-tenant-acme\n",
    );
  });
});
