/** Durations as Go writes them, which is how the SDK's health check has them. */

const nanoseconds: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

const part = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/y;

/** "1m30s" in nanoseconds; undefined if it is not a duration. */
export const parseDuration = (text: string): number | undefined => {
  if (text === "0") return 0;
  let total = 0;
  part.lastIndex = 0;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (!match) return undefined;
    total += Number(match[1]) * (nanoseconds[match[2] ?? ""] ?? 0);
  }
  return text === "" ? undefined : Math.round(total);
};

/** Nanoseconds as Go prints them: 90e9 is "1m30s", 60e9 is "1m0s", 5e8 is "500ms". */
export const printDuration = (duration: number): string => {
  if (duration === 0) return "0s";
  if (duration < 1e3) return `${duration}ns`;
  if (duration < 1e6) return `${duration / 1e3}µs`;
  if (duration < 1e9) return `${duration / 1e6}ms`;
  const [hours, minutes] = [Math.floor(duration / 3600e9), Math.floor(duration / 60e9) % 60];
  const seconds = `${(duration % 60e9) / 1e9}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
};
