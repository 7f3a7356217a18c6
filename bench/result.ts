/** One line of a benchmark, as `--json` prints it; the field names are an interface. */
export interface Result {
  name: string;
  /** Median over the rounds. */
  measured: number;
  unit: string;
  /** The worst value that is good enough. */
  target: number;
  /** How a good value stands to the target: a time should be below it, a speed above. */
  bound: Bound;
  met: boolean;
  /** Highest minus lowest round, in the unit. */
  spread: number;
  /** What the number is made of, for a reader. */
  detail: string;
}

export type Bound = "<=" | ">=";

/** A benchmark: what it measures, and how. */
export interface Benchmark {
  about: string;
  /** What can be chosen beside `--json`: each takes a value. */
  options?: Record<string, { default: string; about: string }>;
  /**
   * @param progress says what is being done
   * @param chosen a value for each option
   */
  run(progress: (text: string) => void, chosen: Record<string, string>): Promise<Result[]>;
}

/** The middle of some values; the mean of the two middle ones where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (low + high) / 2;
}

/** The value that a share of the values does not exceed, by nearest rank; of no values, NaN. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** What a result is about; less is better unless `bound` says otherwise. */
type Question = Pick<Result, "name" | "unit" | "target" | "detail"> & { bound?: Bound };

/** A result from what the rounds measured. */
export function resultOf(
  { name, unit, target, bound = "<=", detail }: Question,
  rounds: readonly number[],
): Result {
  const measured = rounded(median(rounds));
  const spread = rounded(Math.max(...rounds) - Math.min(...rounds));
  const met = bound === "<=" ? measured <= target : measured >= target;
  return { name, measured, unit, target, bound, met, spread, detail };
}

const rounded = (value: number): number => Number(value.toFixed(2));

/** Results as a table: measured beside target. */
export function table(results: readonly Result[]): string {
  const rows = [
    ["", "measured", "spread", "target", "met", ""],
    ...results.map(({ name, measured, unit, target, bound, met, spread, detail }) => [
      name,
      `${measured}${unit}`,
      `${spread}${unit}`,
      `${bound} ${target}${unit}`,
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
