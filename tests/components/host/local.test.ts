import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { bootId, dataHome, dockerHost, interpreter } from "../../../components/host/local.ts";
import { Workbench } from "./script.ts";

describe("this machine", () => {
  it("runs scripts as root, with sudo where the program does not run as root", () => {
    expect(interpreter(0)).toEqual(["/bin/sh", "-c"]);
    expect(interpreter(1000).join(" ")).toMatch(/^\/bin\/sh -c exec sudo -n .* \/bin\/sh -c "\$0"$/);
  });

  it("hands a script to sudo as it is, with the path it would have had", () => {
    const host = new Workbench();
    host.program("sudo", `[ "$1 $2" = "-n --preserve-env=DOCKER_HOST" ] || exit 9; shift 2; exec "$@"`);
    const [shell = "", ...flags] = interpreter(1000);
    const line = `printf '%s|%s' "it's" "$(command -v sudo)"`;
    const env = { ...process.env, PATH: `${host.programs}:${process.env.PATH}` };
    expect(execFileSync(shell, [...flags, line], { encoding: "utf8", env })).toBe(
      `it's|${host.programs}/sudo`,
    );
    host.remove();
  });

  it.each([
    [{}, "unix:///var/run/docker.sock"],
    [{ DOCKER_HOST: "unix:///run/user/1000/docker.sock" }, "unix:///run/user/1000/docker.sock"],
  ])("given %j has its engine at %s", (environment, host) => {
    expect(dockerHost(environment)).toBe(host);
  });

  it.each([
    [{ OWUI_HOME: "/srv/owui", XDG_DATA_HOME: "/data" }, "/srv/owui"],
    [{ XDG_DATA_HOME: "/data" }, "/data/open-webui-infrastructure"],
  ])("given %j keeps its data in %s", (environment, home) => {
    expect(dataHome(environment)).toBe(home);
  });

  it("keeps its data in the home directory where nothing else is said", () => {
    expect(dataHome({})).toMatch(/^\/.*\/\.local\/share\/open-webui-infrastructure$/);
  });

  it("tells its starts apart", () => {
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });
});
