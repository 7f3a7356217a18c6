import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../toolchain/setup/child.mjs";
import { cache } from "../../../toolchain/setup/paths.mjs";
import { StillFleet } from "../../support/fleet/still-fleet.ts";
import { until } from "../../support/fleet/until.ts";
import { S3Server, s3Key } from "../../support/s3/s3-server.ts";

const bucket = "fleet-state";
const go = (await run(["go", "version"])).code === 0;
const key = { AWS_ACCESS_KEY_ID: s3Key.id, AWS_SECRET_ACCESS_KEY: s3Key.secret };

/** For a first build of the server, and for several runs of the engine, ms. */
const patience = 10 * 60_000;

describe.skipIf(!go)(
  "a stack's state in a bucket, where Go can build the server of it",
  { timeout: patience },
  () => {
    let fleet: StillFleet;
    let s3: S3Server;
    let untouched: unknown;
    const inBucket = () => ({ state: { kind: "s3", bucket, endpoint: s3.endpoint } });
    /** Another machine: nothing of the first one's is there but its programs. */
    const second = () => ({
      ...{ ...key, OWUI_HOME: join(fleet.folder, "second") },
      OWUI_CACHE: join(fleet.folder, "second-cache"),
    });
    const locks = () =>
      join(fleet.folder, `s3/${bucket}/.pulumi/locks/organization/open-webui-infrastructure/shared`);

    beforeAll(async () => {
      fleet = await StillFleet.start("shared");
      mkdirSync(join(fleet.folder, "second-cache"));
      symlinkSync(join(cache, "pulumi"), join(fleet.folder, "second-cache/pulumi"));
      s3 = await S3Server.start(join(fleet.folder, "s3"), [bucket]);
    }, patience);
    afterAll(async () => {
      await s3?.stop();
      await fleet?.remove();
    });

    test("is moved there by setup, and by nothing else", async () => {
      await fleet.done("up");
      untouched = await fleet.previewed();
      fleet.declare(inBucket());
      for (const command of ["up", "preview", "down"])
        expect(await fleet.refused(command, [], key)).toMatch(
          /The state of stack shared is kept in .*home\/state, and its config says bucket fleet-state at http:/,
        );
      expect(await fleet.refused("setup")).toMatch(
        /The key of bucket fleet-state at http:.* is not set[\s\S]*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
      );
      expect(await fleet.refused("setup", [], { ...key, AWS_SECRET_ACCESS_KEY: "wrong" })).toMatch(
        /does not open it[\s\S]*SignatureDoesNotMatch/,
      );
      const said = await fleet.done("setup", [], key);
      expect(said).toMatch(/\d\d resources moved from .*home\/state to bucket fleet-state/);
      expect(said).not.toContain(s3Key.secret);
      expect(existsSync(join(fleet.home, "state/.pulumi/stacks/open-webui-infrastructure/shared.json"))).toBe(
        false,
      );
      expect(statSync(join(fleet.home, "stacks/shared/state-before-move.json")).mode & 0o777).toBe(0o600);
      expect(await fleet.previewed(key)).toEqual(untouched);
      expect(await fleet.clusterSignsIn(key)).toBe("sync_main");
    });

    test("is out of reach without the key, and nothing is taken for new", async () => {
      const wrong = { ...key, AWS_SECRET_ACCESS_KEY: "wrong" };
      expect(await fleet.refused("up", [], wrong)).toMatch(
        /The state of stack shared cannot be read: bucket fleet-state[\s\S]*SignatureDoesNotMatch/,
      );
    });

    test("is worked on by another machine that has the passphrase, and by no machine without it", async () => {
      expect(await fleet.refused("preview", [], second())).toMatch(
        /This machine does not have the passphrase of this stack's secrets/,
      );
      expect(await fleet.refused("preview", [], { ...second(), OWUI_PASSPHRASE: "another" })).toMatch(
        /is not the one of this stack's secrets/,
      );
      expect(existsSync(join(second().OWUI_HOME, "passphrase"))).toBe(false);
      const OWUI_PASSPHRASE = readFileSync(join(fleet.home, "passphrase"), "utf8").trim();
      expect(await fleet.previewed({ ...second(), OWUI_PASSPHRASE })).toEqual(untouched);
      expect(await fleet.clusterSignsIn(second())).toBe("sync_main");
    });

    describe("while one machine changes the stack", () => {
      let engine = 0;
      let first: ReturnType<StillFleet["run"]>;

      test("another is refused, and told by whom", async () => {
        first = fleet.run("up", [], key);
        const lock = await until(
          "the first machine's engine holds the lock",
          () => {
            const [file] = readdirSync(locks()).filter((name) => name.endsWith(".json"));
            return file && JSON.parse(readFileSync(join(locks(), file), "utf8"));
          },
          300,
        );
        engine = lock.pid;
        process.kill(engine, "SIGSTOP");
        const said = await fleet.refused("up", [], second());
        expect(said).toContain(
          `Stack shared is being changed by ${lock.username} on ${lock.hostname} (process ${engine}`,
        );
        expect(said).toContain("npm run pulumi -- --stack shared cancel");
      });

      test("and one that died there keeps nobody from going on", async () => {
        expect(engine).toBeGreaterThan(1);
        process.kill(engine, "SIGKILL");
        expect((await first).code).toBe(1);
        expect(readdirSync(locks()).filter((name) => name.endsWith(".json"))).toHaveLength(1);
        await fleet.done("up", [], second());
        expect(await fleet.previewed(key)).toEqual(untouched);
      });
    });

    test("outlives the machine: the kit brings back what opens it", async () => {
      const kit = join(fleet.folder, "elsewhere/fleet.kit");
      await fleet.done("recovery", ["write", "--to", kit], key);
      const keyFile = join(fleet.folder, "key");
      writeFileSync(keyFile, readFileSync(join(fleet.home, "recovery-key")));
      rmSync(fleet.home, { recursive: true });
      const use = ["use", "--from", kit, "--key-file", keyFile];
      expect(await fleet.done("recovery", use, key)).toMatch(/is still in bucket fleet-state/);
      expect(await fleet.previewed(key)).toEqual(untouched);

      await s3.lose(bucket);
      expect(await fleet.done("recovery", use, key)).toMatch(/in bucket fleet-state/);
      expect(await fleet.previewed(key)).toEqual(untouched);
      expect(await fleet.clusterSignsIn(key)).toBe("sync_main");
    });

    test("is moved back by setup, once the config says so", async () => {
      fleet.declare({});
      expect(await fleet.refused("up", [], key)).toMatch(/is kept in bucket fleet-state/);
      expect(await fleet.done("setup", [], key)).toMatch(
        /moved from bucket fleet-state at .* to .*home\/state/,
      );
      expect(await fleet.previewed()).toEqual(untouched);
      expect(await fleet.clusterSignsIn()).toBe("sync_main");
    });
  },
);
