import { describe, expect, it } from "vitest";
import { bootId, dataHome, dockerHost, interpreter } from "../../../components/host/local.ts";

describe("this machine", () => {
  it("runs scripts as root, with sudo where the program does not run as root", () => {
    expect(interpreter(0)).toEqual(["/bin/sh", "-c"]);
    expect(interpreter(1000).join(" ")).toMatch(/^\/bin\/sh -c exec sudo -n .* \/bin\/sh -c "\$0"$/);
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
