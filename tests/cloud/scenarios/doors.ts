import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docker } from "../../../toolchain/fakes/digitalocean/docker/engine.ts";
import { dropletImage } from "../../../toolchain/images/catalog.ts";
import type { Staging } from "../../support/cloud/staging.ts";
import { run } from "../../support/fleet/command.ts";

/** Every port of a host that something listens on, and some that nothing may. */
const ports = [22, 80, 443, 2375, 2376, 8050, 9090, 9093, 9443, 9444];

/** Prints which of these ports of an address take a connection; all are tried at once. */
const scan = (address: string) => `
import socket
from concurrent.futures import ThreadPoolExecutor
def opens(port):
    try:
        socket.create_connection(("${address}", port), 4).close()
        return True
    except OSError:
        return False
ports = ${JSON.stringify(ports)}
with ThreadPoolExecutor(len(ports)) as pool:
    print(*[port for port, open in zip(ports, pool.map(opens, ports)) if open], sep="\\n")
`;

/** What is open to whom: tried from an address that is nobody's, and from machine to machine. */
export const doors = (staging: Staging) =>
  describe("the doors of the hosts", () => {
    const stranger = "owui-cloud-stranger";

    beforeAll(async () => {
      await docker(["rm", "--force", stranger]).catch(() => {});
      await docker([
        ...["run", "--detach", "--name", stranger, "--network", staging.publicNetwork],
        ...["--entrypoint", "sleep", dropletImage, "infinity"],
      ]);
    });
    afterAll(() => docker(["rm", "--force", stranger]));

    const seenBy = async (container: string, address: string): Promise<number[]> => {
      const open = await docker(["exec", "--interactive", container, "python3", "-"], scan(address));
      return open.split("\n").filter(Boolean).map(Number);
    };
    const droplet = async (host: string) => {
      const [found] = await staging.dropletsOf(host);
      if (!found) throw new Error(`${host} has no droplet`);
      return found;
    };

    it.each([
      ["the web alone, for its sites are everybody's", "fra1-a", [80, 443]],
      ["nothing, for its only site is behind a proxy", "fra1-b", []],
      ["nothing, for it has no site", "control", []],
    ])("show a stranger %s: %s, at both of its addresses", async (_, host, open) => {
      expect(await seenBy(stranger, await staging.addressOf(host))).toEqual(open);
      expect(await seenBy(stranger, (await droplet(host)).address)).toEqual(open);
    });

    it("lead from the control host to agents, and from no other host", async () => {
      const { privateAddress } = await droplet("fra1-a");
      expect(await seenBy(await staging.machine("control"), privateAddress)).toEqual([80, 443, 8050]);
      expect(await seenBy(await staging.machine("fra1-b"), privateAddress)).toEqual([80, 443]);
    });

    it("let operators in by the stack's user and their key, and root not at all", async () => {
      const address = await staging.addressOf("fra1-a");
      const identity = `${staging.home}/stacks/${staging.stack}/cloud/operator`;
      const signIn = (user: string, ...more: string[]) =>
        run(
          [
            ...["ssh", "-F", "none", "-i", identity, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
            ...[
              "-o",
              "StrictHostKeyChecking=no",
              "-o",
              "UserKnownHostsFile=/dev/null",
              "-o",
              "LogLevel=ERROR",
            ],
            ...[...more, `${user}@${address}`, "id -un"],
          ],
          { mayFail: true },
        );
      expect((await signIn("qbmgr")).stdout.trim()).toBe("qbmgr");
      expect(await signIn("root")).toMatchObject({ code: 255, stderr: expect.stringContaining("denied") });
      const password = ["-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password"];
      expect((await signIn("qbmgr", ...password)).stderr).toMatch(/Permission denied \(publickey\)/);
    });
  });
