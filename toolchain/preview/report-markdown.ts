import type { Change, Report } from "./change.ts";
import { differs, refused } from "./change.ts";
import { interruptionText, subjectText } from "./report-text.ts";
import { bounded, visible } from "./visible-text.ts";

/** GitHub refuses comments of more than 65,536 characters. */
const mostCharacters = 60_000;

/** How much of that the table may take; the rest is the raw difference's. */
const mostOfTable = 40_000;

/** By which the workflows find the comment or the issue of a stack again. */
export const markOf = (about: Report["about"], stack: string): string =>
  `<!-- ${about} of stack ${stack} -->`;

/** By which a report says that nothing differs; no config can put it there, since all it says stands there as text. */
export const nothingDiffers = "<!-- nothing differs -->";

/** A report as a comment on a pull request. Whatever the config says stands in it as text, never as markup. */
export function reportMarkdown(report: Report): string {
  const { about, stack, subjects, policies, errors } = report;
  const head = [
    markOf(about, stack) + (errors.length === 0 && !differs(report) ? `\n${nothingDiffers}` : ""),
    `## ${escaped(stack)}: ${headline(report)}`,
    ...stops(report),
    ...errors.map((error) => `> **The engine says:** ${escaped(error)}`),
    ...(subjects.length > 0 ? [table(report)] : []),
    policiesMarkdown(policies),
  ].join("\n\n");
  return `${head}\n\n${folded(report, mostCharacters - head.length)}\n`;
}

function headline(report: Report): string {
  const { about, subjects, risk, counts, errors } = report;
  if (errors.length > 0) return `the ${about} did not get through`;
  const stop = refused(report) ? ", **STOP**" : "";
  if (subjects.length === 0)
    return `${about === "drift" ? "nothing differs" : "nothing would change"} (${counts.same ?? 0} resources unchanged)${stop}`;
  const changes = subjects.reduce((sum, { changes }) => sum + changes.length, 0);
  const what = `${changes} ${changes === 1 ? "change" : "changes"}${about === "drift" ? " to put right" : ""}`;
  return `${what}, risk: **${risk}**${stop}`;
}

/** What must not be missed, above everything else. */
const stops = ({ subjects }: Report): string[] =>
  subjects.flatMap((subject) =>
    subject.changes
      .filter(({ stop }) => stop)
      .slice(0, 20)
      .map(({ text }) => `> **STOP** ${escaped(subjectText(subject))}: ${escaped(text)}`),
  );

/** A row for each change; many of them are cut, so that the comment is accepted. */
function table({ subjects }: Report): string {
  const rows = subjects.flatMap((subject) =>
    subject.changes.map((change) => `| ${escaped(subjectText(subject))} | ${cells(change)} |`),
  );
  const shown: string[] = [];
  let length = 0;
  for (const row of rows) {
    length += row.length + 1;
    if (length > mostOfTable) break;
    shown.push(row);
  }
  const rest = rows.length - shown.length;
  const more = rest > 0 ? [`\n${rest} more changes are not shown here: \`npm run preview\` shows them.`] : [];
  return [
    "| where | what changes | who waits, how long | risk |",
    "|---|---|---|---|",
    ...shown,
    ...more,
  ].join("\n");
}

const cells = (change: Change): string =>
  [
    `${change.stop ? "**STOP:** " : ""}${escaped(change.text)}`,
    escaped(interruptionText(change)),
    change.risk === "none" ? "none" : `**${change.risk}**`,
  ].join(" | ");

function policiesMarkdown({ checked, violations }: Report["policies"]): string {
  if (checked.length === 0) return "**Policies** were not checked.";
  if (violations.length === 0) return `**Policies:** ${checked.length} checked, none broken.`;
  const broken = violations
    .slice(0, 50)
    .map(
      ({ policy, level, resource, message }) =>
        `- **${level}** ${escaped(policy)}, ${escaped(resource)}: ${escaped(message)}`,
    );
  return [`**Policies:** ${checked.length} checked, ${violations.length} times broken:`, "", ...broken].join(
    "\n",
  );
}

/** The raw difference, folded; in a fence that nothing in it can close. */
function folded(report: Report, room: number): string {
  if (!report.diff) return "";
  const diff = report.diff.split("\n").map(visible).join("\n");
  const longest = Math.max(2, ...[...diff.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const frame = 300 + 2 * fence.length;
  const text =
    diff.length <= room - frame
      ? diff
      : `${diff.slice(0, Math.max(0, room - frame))}\n… cut: \`npm run preview\` shows all`;
  const summary = "<summary>Every resource that changes</summary>";
  return `<details>${summary}\n\n${fence}text\n${text}\n${fence}\n\n</details>`;
}

/**
 * Plain words stay as they are; any other run of characters becomes code, in which nothing is a link, a mention or
 * an issue, and whose characters are written as numbers, of which none is markup.
 */
const escaped = (text: string): string =>
  bounded(visible(text), 600)
    .split(" ")
    .map((word) => {
      if (!word || /^[→–]$/.test(word) || /^\(?(\p{L}+([-'’]\p{L}+)*|\d+)\)?[,;:.)]*$/u.test(word))
        return word;
      const [, before = "", core = "", after = ""] = /^(\(?)(.*?)(\)?[,;:.]*)$/s.exec(word) ?? [];
      return `${before}${core ? `<code>${numbered(core)}</code>` : ""}${after}`;
    })
    .join(" ");

const numbered = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9…→/-]/gu, (character) => `&#${character.codePointAt(0)};`);
