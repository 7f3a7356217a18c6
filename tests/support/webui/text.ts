import { Random } from "./random.ts";

const SYLLABLES =
  "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo yu za bri cle dro fla gre spa sto tri ump ent ing ion ist ous ter ver con per sub trans".split(
    " ",
  );
const COMMON =
  "the of and to in a is that for it as with on be by this are or from at an which you can not have has its if one all we more when will there their use so what".split(
    " ",
  );
const ABROAD = [
  "Grüße aus Köln",
  "データベースの複製",
  "проверено дважды",
  "¿por qué no?",
  "👩‍🚀🚀 lift-off",
  "العربية",
  "naïve café",
  "∑ᵢ xᵢ² ≥ 0",
  '“curly” and "straight"',
];
const PARAGRAPHS = 12_000;

let words: string[] = [];
let paragraphs: string[] = [];

/** Paragraphs as people and models write them: prose, lists, code, tables, other scripts. Made once a process. */
function corpus(): string[] {
  if (paragraphs.length > 0) return paragraphs;
  const random = new Random("corpus");
  words = Array.from({ length: 30_000 }, () =>
    Array.from({ length: 1 + random.below(4) }, () => random.pick(SYLLABLES)).join(""),
  );
  paragraphs = Array.from({ length: PARAGRAPHS }, () => paragraph(random));
  return paragraphs;
}

/** A word, the common ones often; also names and numbers that come once only, so that texts shrink to a third as chats do. */
function word(random: Random): string {
  if (random.chance(0.2)) return random.pick(COMMON);
  if (random.chance(0.5)) return Math.floor(random.next() * 36 ** 8).toString(36);
  return random.pick(words);
}

function sentence(random: Random): string {
  const text = Array.from({ length: 5 + random.below(18) }, () => word(random)).join(" ");
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}

function paragraph(random: Random): string {
  const lines = (make: (line: number) => string) =>
    Array.from({ length: 3 + random.below(6) }, (_, line) => make(line)).join("\n");
  switch (random.below(12)) {
    case 0:
      return `## ${sentence(random)}`;
    case 1:
      return lines(() => `- **${word(random)}**: ${sentence(random)}`);
    case 2:
      return `\`\`\`python\n${lines((line) => `${"    ".repeat(line % 3)}${word(random)} = ${word(random)}(${word(random)}, "${word(random)}\\n")`)}\n\`\`\``;
    case 3:
      return `| ${word(random)} | ${word(random)} |\n|---|---|\n${lines(() => `| ${word(random)} | ${random.below(1e6) / 100} |`)}`;
    case 4:
      return `${random.pick(ABROAD)} ${sentence(random)} ${random.pick(ABROAD)}`;
    default:
      return Array.from({ length: 2 + random.below(5) }, () => sentence(random)).join(" ");
  }
}

/** A few words, for titles and names. */
export function shortText(random: Random): string {
  corpus();
  const text = Array.from({ length: 2 + random.below(4) }, () => word(random)).join(" ");
  return random.chance(0.1) ? `${text} ${random.pick(ABROAD)}` : text;
}

/** Markdown of about so many characters, at least one paragraph. */
export function markdown(random: Random, characters: number): string {
  const from = corpus();
  const parts: string[] = [];
  for (let length = 0; length < characters; ) {
    const next = random.pick(from);
    parts.push(next);
    length += next.length + 2;
  }
  const text = parts.join("\n\n");
  return text.length > 2 * characters ? text.slice(0, characters).toWellFormed() : text;
}

/** What is pasted into chats and does not shrink: a picture as a data URL. */
export function picture(random: Random, characters: number): string {
  const bytes = Buffer.allocUnsafe(4 * Math.ceil((characters * 3) / 16));
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  return `data:image/png;base64,${bytes.toString("base64")}`;
}
