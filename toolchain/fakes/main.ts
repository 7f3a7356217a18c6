import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { dropletImage } from "../images/catalog.ts";
import { ensureImages } from "../setup/images.ts";
import { dataHome } from "../setup/paths.mjs";
import { type FakesSettings, startFakes } from "./start.ts";

const usage = `usage: npm run fakes -- [options]
  --home FOLDER             what they keep (default: ${join(dataHome, "fakes")})
  --digitalocean-port PORT  default 8811
  --cloudflare-port PORT    default 8812
  --zones NAMES             Cloudflare's zones, with commas (default: fleet.example)
  --machines docker|none    whether droplets boot (default: docker)
  --images NAMES            images of the local engine that droplets' own begin with, with commas
  --action-time MS          what an action takes at least (default: 0)
  --lag MS                  how long what was just made is not found (default: 0)
  --clear                   empty both accounts, with every machine and volume, and end`;

/** Says what is wrong with the command line, and ends. */
const refuse = (what: string): never => {
  process.stderr.write(`${what}\n${usage}\n`);
  process.exit(2);
};

const numeric = (name: string, text: string, most: number): number => {
  const value = Number(text);
  return Number.isInteger(value) && value >= 0 && value <= most
    ? value
    : refuse(`--${name} takes a whole number from 0 to ${most}, not ${text}.`);
};

const read = (): FakesSettings & { clear: boolean } => {
  const text = (value: string) => ({ type: "string", default: value }) as const;
  try {
    const { values } = parseArgs({
      options: {
        home: text(join(dataHome, "fakes")),
        "digitalocean-port": text("8811"),
        "cloudflare-port": text("8812"),
        zones: text("fleet.example"),
        machines: text("docker"),
        images: text(""),
        "action-time": text("0"),
        lag: text("0"),
        clear: { type: "boolean", default: false },
      },
    });
    const { machines } = values;
    if (machines !== "docker" && machines !== "none") {
      return refuse(`--machines takes docker or none, not ${machines}.`);
    }
    return {
      home: resolve(values.home),
      digitalOceanPort: numeric("digitalocean-port", values["digitalocean-port"], 65_535),
      cloudflarePort: numeric("cloudflare-port", values["cloudflare-port"], 65_535),
      zones: values.zones.split(",").filter(Boolean),
      machines,
      images: values.images.split(",").filter(Boolean),
      actionTime: numeric("action-time", values["action-time"], 3_600_000),
      lag: numeric("lag", values.lag, 3_600_000),
      clear: values.clear,
    };
  } catch (error) {
    return refuse((error as Error).message);
  }
};

const settings = read();
const say = (line: string) => void process.stdout.write(`${line}\n`);

say("Fakes of DigitalOcean and Cloudflare: nothing here is real, and nothing leaves this machine.");
if (settings.machines === "docker") await ensureImages([dropletImage, ...settings.images], say);
const fakes = await startFakes(settings, say);
if (settings.clear) {
  await fakes.clear();
  say(`Both accounts of ${settings.home} are empty: machines, networks, volumes and records are gone.`);
} else {
  say(`digitalocean:apiEndpoint ${fakes.digitalOcean.endpoint}   token in ${fakes.digitalOcean.tokenFile}`);
  say(`cloudflare:baseUrl       ${fakes.cloudflare.endpoint}   token in ${fakes.cloudflare.tokenFile}`);
  say(`requests                 ${fakes.log}`);
  say("Ctrl-C ends them. Droplets go on, and the next start finds them; --clear empties the accounts.");
  const end = () => void fakes.close().then(() => process.exit(0));
  process.once("SIGINT", end).once("SIGTERM", end);
}
