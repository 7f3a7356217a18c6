/** How one thing is, for people; `ok` null: it is not known. */
export interface Verdict {
  ok: boolean | null;
  text: string;
}
