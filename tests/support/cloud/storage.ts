import { docker, exists } from "../../../toolchain/fakes/digitalocean/docker/engine.ts";
import { debianImage } from "../../../toolchain/images/catalog.ts";
import { until } from "../fleet/until.ts";
import { s3Key, s3Program } from "../s3/s3-server.ts";
import type { Staging } from "./staging.ts";

/** Beside the places that the cloud itself has there. */
const place = 12;
const port = 7070;
const bucket = "fleet-backups";

/**
 * A bucket in a staging fleet's cloud, kept by a real server of S3's protocol that is somebody else's; as `backups.repository`
 * says it, without the key. It goes with the cloud, and a later run finds it again.
 */
export async function startStorage(staging: Staging): Promise<Record<string, string>> {
  const network = staging.publicNetwork;
  const name = `${network}-storage`;
  const address = await staging.place(place);
  const endpoint = `http://${address}:${port}`;
  if (!(await exists("container", name)))
    await docker([
      ...["run", "--detach", "--name", name, "--network", network, "--ip", address],
      // By which everything of that cloud is removed.
      ...["--label", `owui.fake-cloud=${network.replace("owui-cloud-", "")}`],
      ...["--volume", `${await s3Program()}:/server:ro`, "--tmpfs", "/kept"],
      ...["--env", `ROOT_ACCESS_KEY=${s3Key.id}`, "--env", `ROOT_SECRET_KEY=${s3Key.secret}`],
      ...["--entrypoint", "sh", debianImage, "-c"],
      `mkdir /kept/${bucket} && exec /server --port :${port} posix /kept`,
    ]);
  await docker(["start", name]);
  await until("the S3 server answers", () =>
    fetch(endpoint).then(
      () => true,
      () => false,
    ),
  );
  return { kind: "s3", endpoint, bucket, keyId: s3Key.id };
}
