import { chmod, mkdir, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fakeAuthorityImage } from "../../images/catalog.ts";
import { docker, exists } from "../digitalocean/docker/engine.ts";
import { StateFile } from "../http/state-file.ts";
import { certifyServer } from "../server-certificate.ts";

/** How long the server may take from its container's start to its first answer. */
const patienceMs = 60_000;

/** For how long it certifies, as Let's Encrypt does. */
const days = 90;

/** Where it tells about itself, and nobody of the fleet asks. */
const managementPort = 15_000;

/** What a fake authority is given. */
export interface AuthoritySettings {
  /** What has to outlive a restart of whoever drives it lies here; absolute. */
  home: string;
  /** Of its container. */
  name: string;
  /** A network of Docker's, and its address in it. */
  network: { name: string; address: string };
  /** Address of the name server that it asks where a name leads. */
  names: string;
}

/** An authority that certifies whoever answers under a name. */
export interface LetsEncrypt {
  /** URL of its ACME directory. */
  directory: string;
  /** PEM by which the directory is believed. */
  root: string;
  /** PEM of the authority of what it certifies. */
  issuer: string;
  /** Removes it with everything it knew. */
  remove(): Promise<void>;
}

/** How the directory is believed; kept, since hosts were told. */
type State = Awaited<ReturnType<typeof certifyServer>>;

/**
 * Pebble, Let's Encrypt's own authority for tests, in a container: it looks a name up, asks for the answer on port 80 of
 * where that leads, and signs. Goes on with the container that an earlier start left; one that stopped in between knows
 * no accounts any more, and signs with another key.
 */
export async function startLetsEncrypt(settings: AuthoritySettings): Promise<LetsEncrypt> {
  const { home, name, network, names } = settings;
  const folder = join(home, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = new StateFile<Partial<State>>(join(folder, "directory.json"), {});
  if (file.state.ca === undefined) {
    Object.assign(file.state, await certifyServer([network.address], "Let's Encrypt"));
    file.save();
  }
  const { ca, certificate, key } = file.state as State;
  if (await exists("container", name)) await docker(["start", name]);
  else {
    await configure(join(folder, "pebble"), { certificate, key });
    await docker([
      ...["run", "--detach", "--name", name, "--network", network.name, "--ip", network.address],
      ...["--volume", `${join(folder, "pebble")}:/etc/pebble:ro`, "--env", "PEBBLE_VA_NOSLEEP=1"],
      ...[fakeAuthorityImage, "pebble", "-config", "/etc/pebble/pebble.json", "-dnsserver", `${names}:53`],
    ]);
  }
  return {
    directory: `https://${network.address}/dir`,
    root: ca,
    issuer: await issuerOf(network.address, ca),
    remove: async () => void (await docker(["rm", "--force", "--volumes", name])),
  };
}

/** What its container reads; the key protects nothing. */
async function configure(folder: string, { certificate, key }: Pick<State, "certificate" | "key">) {
  await mkdir(folder, { recursive: true });
  const pebble = {
    ...{ listenAddress: "0.0.0.0:443", managementListenAddress: `0.0.0.0:${managementPort}` },
    ...{ certificate: "/etc/pebble/tls.crt", privateKey: "/etc/pebble/tls.key" },
    ...{ httpPort: 80, tlsPort: 443, certificateValidityPeriod: days * 86_400 },
  };
  const files = { "pebble.json": JSON.stringify({ pebble }), "tls.crt": certificate, "tls.key": key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await chmod(folder, 0o755);
}

/** The authority's own certificate, PEM, as soon as it tells. */
async function issuerOf(host: string, ca: string): Promise<string> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await told(host, ca);
    } catch (error) {
      if (performance.now() > deadline)
        throw new Error(`The fake Let's Encrypt at ${host} does not answer: ${(error as Error).message}`, {
          cause: error,
        });
      await pause(200);
    }
  }
}

const told = (host: string, ca: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request({ host, port: managementPort, path: "/roots/0", ca, agent: false, timeout: 2_000 });
    asked.once("error", reject).once("timeout", () => asked.destroy(new Error("no answer within 2 s")));
    asked.once("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      answer.once("end", () =>
        answer.statusCode === 200 && text.includes("BEGIN CERTIFICATE")
          ? resolve(text)
          : reject(new Error(`answered ${answer.statusCode}`)),
      );
    });
    asked.end();
  });
