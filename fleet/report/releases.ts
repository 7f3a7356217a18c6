import type { Verdict } from "./verdict.ts";

/** When the list below was made, from PyPI. */
export const releasesOf = "2026-11-22";

/** The last release of each line of Open WebUI, oldest first. */
const lines: readonly (readonly [line: string, patch: number])[] = [
  ["0.3", 35],
  ["0.4", 8],
  ["0.5", 20],
  ["0.6", 43],
  ["0.7", 2],
  ["0.8", 12],
  ["0.9", 6],
  ["0.10", 2],
  ["0.11", 4],
  ["0.12", 4],
];

/** How far a version is behind the newest release that is known; what is no release, or later than the list, is not judged. */
export function behind(version: string): Verdict {
  const [, line = "", patch = ""] = /^v?(0\.\d+)\.(\d+)$/.exec(version) ?? [];
  const at = lines.findIndex(([known]) => known === line);
  const [newest, last] = lines.at(-1) ?? ["", 0];
  if (at < 0) return { ok: null, text: "not known" };
  const late = (lines[at]?.[1] ?? 0) - Number(patch);
  if (late < 0) return { ok: null, text: "later than the releases that are known here" };
  const ahead = lines.length - 1 - at;
  if (ahead === 0 && late === 0) return { ok: true, text: "newest" };
  const missing = [
    ...(ahead > 0 ? [`${ahead} release ${ahead === 1 ? "line" : "lines"}`] : []),
    ...(late > 0
      ? [`${late} ${late === 1 ? "patch" : "patches"}${ahead > 0 ? " of its own line" : ""}`]
      : []),
  ];
  return { ok: false, text: `${missing.join(" and ")} behind ${newest}.${last}` };
}
