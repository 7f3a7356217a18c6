import { readFileSync } from "node:fs";

/** The text of a query in the folder `queries`; its header says what its parameters are. */
export const query = (name: string): string =>
  readFileSync(new URL(`queries/${name}.sql`, import.meta.url), "utf8");
