/** One line of a benchmark, as `--json` prints it; the field names are an interface. */
export interface Result {
  name: string;
  /** Median over the rounds. */
  measured: number;
  unit: string;
  /** The highest value that is good enough. */
  target: number;
  met: boolean;
  /** Highest minus lowest round, in the unit. */
  spread: number;
  /** What the number is made of, for a reader. */
  detail: string;
}

/** A benchmark: what it measures, and how. It says what it is doing through `progress`. */
export interface Benchmark {
  about: string;
  run(progress: (text: string) => void): Promise<Result[]>;
}

/** The middle of some values; the mean of the two middle ones where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (low + high) / 2;
}

/** A result from what the rounds measured; less is better. */
export function resultOf(
  { name, unit, target, detail }: Pick<Result, "name" | "unit" | "target" | "detail">,
  rounds: readonly number[],
): Result {
  const measured = rounded(median(rounds));
  const spread = rounded(Math.max(...rounds) - Math.min(...rounds));
  return { name, measured, unit, target, met: measured <= target, spread, detail };
}

const rounded = (value: number): number => Number(value.toFixed(2));

/** Results as a table: measured beside target. */
export function table(results: readonly Result[]): string {
  const rows = [
    ["", "measured", "spread", "target", "met", ""],
    ...results.map(({ name, measured, unit, target, met, spread, detail }) => [
      name,
      `${measured}${unit}`,
      `${spread}${unit}`,
      `<= ${target}${unit}`,
      met ? "yes" : "NO",
      detail,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
