/** Larger files are photographs, not logos. */
export const largestLogo = 5 * 2 ** 20;

/** A logo that is not used; the message says which rule it breaks. */
export class LogoError extends Error {
  readonly code = "LOGO";

  constructor(found: string, remedy: string) {
    super(`The logo ${found}. No brand file was changed. Remedy: ${remedy}.`);
    this.name = "LogoError";
  }
}

const refusals: { pattern: RegExp; found: string; remedy: string }[] = [
  {
    pattern: /<!(DOCTYPE|ENTITY)/i,
    found: "declares a document type, through which an SVG can grow without bound or read files",
    remedy: "save it as plain SVG, without <!DOCTYPE>",
  },
  {
    pattern: /<(script|foreignObject|iframe)\b/i,
    found: "holds a script or foreign content",
    remedy: "save it as plain SVG",
  },
  {
    pattern: /\bhref\s*=\s*["']?\s*(?!["'#\s]|data:image\/)/i,
    found: "refers to something outside itself",
    remedy: "embed the images it uses",
  },
  {
    pattern: /@import|url\(\s*["']?\s*(?!["'#\s]|data:image\/)/i,
    found: "has a style that refers to something outside itself",
    remedy: "embed what it uses and turn texts into paths",
  },
];

/**
 * Lets a logo through that can be rendered without reading or fetching anything but itself.
 *
 * @throws {@link LogoError}
 */
export function checkedLogo(logo: Buffer): Buffer {
  if (logo.length > largestLogo) {
    throw new LogoError(`has ${logo.length} bytes, more than the ${largestLogo} allowed`, "scale it down");
  }
  const broken = isSvg(logo)
    ? refusals.find(({ pattern }) => pattern.test(logo.toString("utf8")))
    : undefined;
  if (broken) throw new LogoError(broken.found, broken.remedy);
  return logo;
}

/** SVG is text whose first element, after comments and declarations, is svg; raster formats start with a magic. */
export const isSvg = (logo: Buffer): boolean =>
  /<svg[\s>]/i.test(logo.subarray(0, 65_536).toString("latin1")) && !hasMagic(logo);

const hasMagic = (logo: Buffer): boolean =>
  ["\x89PNG", "\xff\xd8\xff", "RIFF"].some((magic) =>
    logo.subarray(0, 4).toString("latin1").startsWith(magic),
  );
