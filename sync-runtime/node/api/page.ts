import * as z from "zod";

/** A row's number as Postgres gives it, and as a cursor names it. */
export const RowId = z.string().regex(/^[1-9][0-9]{0,17}$/, "Not a number of the list");

/** The query of a list that comes in pages, beside what it is filtered by. */
export const paging = {
  after: RowId.optional().describe("Continue behind this one: `next` of the page before"),
  limit: z.coerce.number().int().min(1).max(1000).default(50).describe("How many at most"),
};

/** `next` of a page's answer. */
export const Next = z
  .string()
  .nullable()
  .describe("Ask again with `after` set to it; null: this was the last page");

/** How many rows to read for a page: one more tells whether there is a next one. */
export const rowsOf = (limit: number): number => limit + 1;

/** The rows of one page, and where the next begins. */
export function pageOf(rows: unknown[], limit: number): { page: unknown[]; next: string | null } {
  const page = rows.slice(0, limit);
  return { page, next: rows.length > limit ? WithId.parse(page.at(-1)).id : null };
}

const WithId = z.object({ id: z.string() });
