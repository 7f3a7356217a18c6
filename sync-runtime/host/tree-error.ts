/** A folder's tree cannot be read as a tree of files; it was only read, and is as it was. */
export class TreeError extends Error {
  override name = "TreeError";
}
