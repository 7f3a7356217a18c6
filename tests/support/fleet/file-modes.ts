import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";

const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/**
 * Whether a user who is neither owner nor in the group can read a file below `top`: the file's mode lets
 * them, and so does every directory on the way. `top` itself counts as open, wherever it lies.
 */
export const readableByOthers = async (top: string, path: string): Promise<boolean> => {
  if (((await stat(join(top, path))).mode & OTHERS_READ) === 0) return false;
  for (let directory = dirname(path); directory !== "."; directory = dirname(directory)) {
    if (((await stat(join(top, directory))).mode & OTHERS_ENTER) === 0) return false;
  }
  return true;
};
