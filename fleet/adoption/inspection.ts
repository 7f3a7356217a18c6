import { posix } from "node:path";
import { defaultVersion } from "../../components/fleet-config/tenant-entry.ts";
import { type Problem, SetupError } from "../../toolchain/setup/problem.mjs";
import { type AdoptionHost, containerReading, fileReading, type Reading } from "../on-host/adoption.ts";
import { dataPlace, isOpenWebui, mountsOf, type SourceContainer } from "./container.ts";
import { sourceText, type Wanted } from "./source.ts";
import type { ImageFacts, Survey } from "./survey.ts";

/** Everything that is known of a source before anything is done to it. */
export interface Inspection {
  wanted: Wanted;
  /** Absent: a bare database. */
  container?: SourceContainer;
  reading: Reading;
  survey: Survey;
  /** What the source's image holds; absent of a bare database. */
  from?: ImageFacts;
  /** Full reference of the image that the tenant is to run, and what that holds. */
  image: string;
  to: ImageFacts;
  /** Others that run with the same data, writing. */
  writers: string[];
}

/** What an operator says about the image. */
export interface WantedImage {
  /** `v0.11.3` */
  version?: string | undefined;
  image?: string | undefined;
}

/** The container that is meant: of a project's, the one that is an Open WebUI. */
export async function findContainer(
  host: AdoptionHost,
  wanted: Wanted,
): Promise<SourceContainer | undefined> {
  if (wanted.kind === "file") return undefined;
  const found = await host.find(wanted.kind, wanted.kind === "folder" ? wanted.path : wanted.name);
  const candidates = wanted.kind === "container" ? found : found.filter(isOpenWebui);
  const [container] = candidates;
  if (container && candidates.length === 1) return container;
  throw new SetupError([notOne(wanted, found, candidates)]);
}

function notOne(
  wanted: Wanted,
  found: readonly SourceContainer[],
  candidates: readonly SourceContainer[],
): Problem {
  const names = (all: readonly SourceContainer[]) =>
    all.map(({ name, image }) => `${name} (${image})`).join(", ");
  if (candidates.length > 1)
    return {
      what: `In ${sourceText(wanted)} there is more than one Open WebUI: ${names(candidates)}.`,
      why: "A tenant's data comes from one of them.",
      remedy: "Stop and remove those that are not meant, or name one: --container <name>.",
    };
  return {
    what:
      found.length > 0
        ? `In ${sourceText(wanted)} no container looks like an Open WebUI: ${names(found)}.`
        : `This host has no ${sourceText(wanted).replace(/^the /, "")}.`,
    why: "What is adopted has to be there, on the tenant's host, running or stopped.",
    remedy: "Look at `docker ps --all` there, and name the container: --container <name>.",
  };
}

/** Looks at everything, and refuses at once what can never become a tenant. */
export async function inspect(
  host: AdoptionHost,
  wanted: Wanted,
  image: WantedImage,
  fetch: (image: string) => Promise<void>,
): Promise<Inspection> {
  const container = await findContainer(host, wanted);
  const place = container && dataPlace(container);
  const refusals = container ? refusalsOf(container) : [];
  if (refusals.length > 0) throw new SetupError(refusals, "Nothing was changed, and nothing was stopped.");
  const reading =
    container && place && "data" in place
      ? containerReading(place, container.mounts)
      : fileReading(wanted as Extract<Wanted, { kind: "file" }>);
  const survey = await host.survey(reading);
  const from = container && (await host.image(container.imageId, container.id));
  const reference = imageOf(image, from);
  await fetch(reference);
  const to = await host.image(reference);
  return {
    ...{ wanted, reading, survey, image: reference, to },
    ...(container && { container }),
    ...(from && { from }),
    writers: container && place && "data" in place ? await writersOf(host, container, place.data) : [],
  };
}

const upstream = "ghcr.io/open-webui/open-webui";

/** The version that it has, where it says one, so that an adoption is no upgrade. */
export const imageOf = ({ version, image }: WantedImage, from?: Pick<ImageFacts, "version">): string =>
  image ?? `${upstream}:${version ?? (from?.version ? `v${from.version}` : defaultVersion)}`;

/** What Docker says of it that lets no copy be made. */
export function refusalsOf(container: SourceContainer): Problem[] {
  const { name, environment, mounts, otherMounts, autoRemove, paused } = container;
  const place = dataPlace(container);
  const problems: Problem[] = [];
  if (container.labels["owui.stack"] !== undefined)
    problems.push({
      what: `Container ${name} is a fleet's already (stack ${container.labels["owui.stack"]}).`,
      why: "What a fleet made is moved or restored by it, not adopted.",
      remedy: "Name a container that no fleet made.",
    });
  if ("scheme" in place)
    return [
      ...problems,
      {
        what: `${name} keeps its data in ${place.scheme}, not in SQLite.`,
        why: "A tenant's own database is an SQLite file; what is in another server cannot be copied into one exactly.",
        remedy:
          "Leave it where it is, or start a tenant anew and let people bring their chats (Settings, Data Controls): docs/adoption.md has the steps.",
      },
    ];
  if (mountsOf(place.data, mounts).length === 0) {
    const other = otherMounts.filter((mount) => mount.endsWith(` at ${place.data}`));
    problems.push({
      what: `The data of ${name} (${place.data}) lies in no volume${other.length > 0 ? `, but in ${other.join(", ")}` : ": it goes with the container"}.`,
      why: "It can be read beside a running application only where it is mounted.",
      remedy: `Stop it, take the data out, and adopt the file: docker stop ${name}; docker cp ${name}:${place.data} <folder>; npx fleet adopt <tenant> --file <folder>/webui.db --uploads <folder>/uploads`,
    });
  }
  if (autoRemove)
    problems.push({
      what: `Docker removes ${name} as soon as it stops (--rm).`,
      why: "A source stays as it is, stopped, so that it can be started again.",
      remedy: "Start it again from the same volume without --rm, then adopt that.",
    });
  if (paused)
    problems.push({
      what: `${name} is paused.`,
      why: "In the middle of whatever it did it can be neither copied nor stopped in order.",
      remedy: `docker unpause ${name}`,
    });
  if (/\n/.test(environment.WEBUI_SECRET_KEY ?? environment.WEBUI_JWT_SECRET_KEY ?? ""))
    problems.push({
      what: `The secret key of ${name} has more than one line.`,
      why: "It is read from a file whose end newlines do not belong to it.",
      remedy: "Give it another one, with which all sessions end.",
    });
  return problems;
}

async function writersOf(host: AdoptionHost, own: SourceContainer, data: string): Promise<string[]> {
  const mounts = mountsOf(data, own.mounts);
  const others = await host.neighbours(mounts);
  const sources = new Set(mounts.map(({ source }) => source));
  return others
    .filter(({ id }) => id !== own.id)
    .filter(({ mounts }) => mounts.some(({ source, writable }) => writable && sources.has(source)))
    .map(({ name }) => name);
}

/** A path's last name. */
export const baseName = (path: string): string => posix.basename(path);
