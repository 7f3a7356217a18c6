import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { readableByOthers } from "../../support/fleet/file-modes.ts";
import { filesBelow } from "../../support/fleet/fingerprints.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { knownSecrets } from "../../support/fleet/known-secrets.ts";
import { sightingsDuring } from "../../support/fleet/process-watch.ts";
import { secretsIn } from "../../support/fleet/secrets.ts";

/** Greps for the real values wherever a secret must not be. */
export const secrecy = (fleet: Fleet) =>
  describe("the fleet's secrets", () => {
    let needles: Map<string, string>;

    beforeAll(async () => {
      needles = await knownSecrets(fleet);
    });

    it("are known to this test: passwords, keys of all kinds, the passphrase", () => {
      const names = [...needles.keys()].join("\n");
      for (const kind of [
        "acme/config/environment",
        "admin-password",
        "webui_secret_key",
        "superuser",
        "backup-password",
        "tls.key",
        "passphrase",
        "operator",
        "alertmanager.yml",
      ]) {
        expect(names).toContain(kind);
      }
    });

    it("are ciphertext in the stack's export", async () => {
      const { stdout } = await fleet.driver.pulumi(["stack", "export"]);
      expect(secretsIn(stdout, needles)).toEqual([]);
    });

    it("are ciphertext in the stack's file", async () => {
      expect(secretsIn(await readFile(fleet.file.path, "utf8"), needles)).toEqual([]);
    });

    it("are not in what docker inspect shows of containers, networks and images", async () => {
      const shown = await Promise.all([
        fleet.engine.inspect("container", await fleet.engine.containers()),
        fleet.engine.inspect("network", await fleet.engine.networks()),
        fleet.engine.inspect("image", await fleet.engine.images("owui-sync-runtime")),
        fleet.engine.inspect("image", await fleet.engine.images("owui-backup")),
      ]);
      expect(secretsIn(shown.join("\n"), needles)).toEqual([]);
    });

    it("are not in the logs of any container", async () => {
      for (const container of await fleet.engine.containers()) {
        expect(secretsIn(await fleet.engine.logs(container), needles), container).toEqual([]);
      }
    });

    it("are not in what the project's commands printed", async () => {
      for (const log of await filesBelow(fleet.driver.logs)) {
        const printed = await readFile(join(fleet.driver.logs, log), "utf8");
        expect(secretsIn(printed, needles), log).toEqual([]);
      }
    });

    it("are in no process' arguments or environment but a tenant's own, also while up works", async () => {
      // A tenant's container is made anew meanwhile: its id changes.
      const before = await tenantContainers(fleet);
      // Another value than a fleet that was kept may have.
      await fleet.file.setTenant("acme", { environment: { RAG_TOP_K: String(1 + (Date.now() % 1000)) } });
      const up = fleet.up();
      const [seen, trials] = await Promise.all([sightingsDuring(needles, up), trialsDuring(fleet, up)]);
      // What it is to become is tried beside it, by itself, with its own secrets.
      expect(trials.size).toBe(1);
      const tenants = [...before, ...trials, ...(await tenantContainers(fleet))];
      const own = seen.filter(({ cgroup }) => tenants.some((id) => cgroup.includes(id)));
      const tried = seen.filter(({ cgroup }) => [...trials].some((id) => cgroup.includes(id)));
      expect(tried.filter(({ what }) => !what.startsWith(`${fleet.stack}/tenants/acme/`))).toEqual([]);
      expect(own.map(({ what }) => what)).toContain(`${fleet.stack}/tenants/acme/config/environment`);
      expect(seen.filter((one) => !own.includes(one))).toEqual([]);
    });

    it("are in no file that others can read", async () => {
      const open: string[] = [];
      for (const path of await filesBelow(fleet.home)) {
        const content = await readFile(join(fleet.home, path), "latin1");
        if (secretsIn(content, needles).length > 0 && (await readableByOthers(fleet.home, path)))
          open.push(path);
      }
      expect(open).toEqual([]);
    });
  });

/** Ids of the containers in which acme's next one is tried while `work` runs. */
async function trialsDuring(fleet: Fleet, work: Promise<unknown>): Promise<Set<string>> {
  const name = `${fleet.name("tenant-acme")}-trial`;
  const listed = [
    "ps",
    "--all",
    "--no-trunc",
    "--filter",
    `name=${name}`,
    "--format",
    "{{.ID}} {{.Command}}",
  ];
  const found = new Set<string>();
  let ended = false;
  const end = () => {
    ended = true;
  };
  work.then(end, end);
  while (!ended) {
    const { stdout } = await fleet.engine.docker(listed);
    for (const line of stdout.split("\n").filter(Boolean)) {
      const [id = "", command = ""] = line.split(" ");
      // The container that copies its database before has no secret.
      if (!command.includes("timeout")) found.add(id);
    }
    await pause(200);
  }
  return found;
}

/** Ids of the containers in which Open WebUI has its own secrets in its environment. */
const tenantContainers = async (fleet: Fleet): Promise<string[]> => {
  const names = (await fleet.engine.containers()).filter((name) => name.startsWith(fleet.name("tenant-")));
  return Promise.all(names.map(async (name) => (await fleet.engine.container(name)).id));
};
