import { readFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import sharp from "sharp";
import { checkedLogo, isSvg, LogoError } from "../../components/branding/logo.ts";
import { repository } from "../../toolchain/setup/paths.mjs";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import type { Companion } from "../config-edit/git.ts";
import { fetchLogo } from "./fetch-logo.ts";
import { type LetterLogo, letterLogo, type Shape } from "./letter-logo.ts";
import type { Typeface } from "./typeface.ts";

/** Where an operator's logo comes from; one of the first three, or none. */
export interface LogoSource {
  /** A file. */
  logo?: string;
  /** An https:// address. */
  url?: string;
  letters?: string;
  shape?: Shape;
  colour?: string;
  typeface?: Typeface;
}

/** A logo for a tenant's entry. */
export interface ChosenLogo {
  content: Buffer;
  /** As the entry names it: from the repository, absolute where it lies elsewhere. */
  path: string;
  /** Set where the file has to be written for that. */
  companion?: Companion;
}

/** How a format's files end. */
const endings: Readonly<Record<string, string>> = { png: "png", jpeg: "jpg", webp: "webp" };

/**
 * The logo that was named, checked; undefined where none was.
 *
 * @param folder of the stack's config: what comes from elsewhere is kept in `branding/` beside it
 * @throws SetupError what is wrong with it
 */
export async function chosenLogo(
  tenant: string,
  source: LogoSource,
  folder: string,
): Promise<ChosenLogo | undefined> {
  const named = [source.logo, source.url, source.letters].filter((one) => one !== undefined);
  if (named.length > 1) throw severalLogos();
  const keep = async (content: Buffer): Promise<ChosenLogo> => {
    const path = join(folder, "branding", `${tenant}.${await endingOf(content)}`);
    return { content, path: fromRepository(path), companion: { path, content } };
  };
  if (source.logo !== undefined) return ofFile(source.logo, keep);
  if (source.url !== undefined) return keep(await checked(await fetchLogo(source.url), source.url));
  if (source.letters === undefined) return undefined;
  const { letters, shape, colour, typeface } = source;
  const drawn: LetterLogo = {
    letters,
    ...(shape && { shape }),
    ...(colour !== undefined && { colour }),
    ...(typeface && { typeface }),
  };
  return keep(Buffer.from(await letterLogo(drawn)));
}

/** A file of the repository is named as it is; one from elsewhere is kept. */
async function ofFile(file: string, keep: (content: Buffer) => Promise<ChosenLogo>): Promise<ChosenLogo> {
  const found = resolve(file);
  const content = await checked(await readFile(found).catch((cause) => unreadable(found, cause)), found);
  const path = fromRepository(found);
  return isAbsolute(path) ? keep(content) : { content, path };
}

function fromRepository(path: string): string {
  const inside = relative(repository, path);
  return inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

async function endingOf(content: Buffer): Promise<string> {
  if (isSvg(content)) return "svg";
  return endings[(await sharp(content).metadata()).format ?? ""] ?? "png";
}

/** What can be drawn without reading or fetching anything but itself. */
async function checked(content: Buffer, from: string): Promise<Buffer> {
  try {
    checkedLogo(content);
    const { format = "" } = await sharp(content).metadata();
    if (format !== "svg" && !Object.hasOwn(endings, format))
      throw new LogoError(`is ${format || "of no known format"}`, "save it as SVG, PNG, JPEG or WebP");
    return content;
  } catch (error) {
    const [what = "", remedy = "Save it as SVG, PNG, JPEG or WebP."] =
      error instanceof LogoError
        ? error.message.split(" No brand file was changed. Remedy: ")
        : ["The logo cannot be read as an image."];
    throw new SetupError([{ what: `${from}: ${what}`, why: "Every icon is made from the logo.", remedy }]);
  }
}

const unreadable = (path: string, { code }: NodeJS.ErrnoException): never => {
  throw new SetupError([
    {
      what: `${path} cannot be read: ${code}.`,
      why: "Every icon is made from the logo.",
      remedy: "Name the logo's file, its https:// address with --url, or letters with --letters.",
    },
  ]);
};

const severalLogos = () =>
  new SetupError([
    {
      what: "More than one logo is given.",
      why: "A tenant has one.",
      remedy: "Give one of --logo, --url and --letters.",
    },
  ]);
