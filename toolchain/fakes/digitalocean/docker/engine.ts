import { spawn } from "node:child_process";

/** A docker command that failed; its words are docker's own. */
export class DockerError extends Error {
  override readonly name = "DockerError";
}

/** Runs the docker client; its standard output. Input goes over its standard input, never into its arguments. */
export const docker = (args: readonly string[], input = ""): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn("docker", args, { stdio: ["pipe", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      err += data;
    });
    child.once("error", (error) => reject(new DockerError(`docker cannot be run: ${error.message}`)));
    child.once("close", (code) => {
      if (code === 0) return resolve(out.trim());
      reject(new DockerError(`docker ${args[0]} ended with ${code}: ${err.trim() || out.trim()}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });

/** Whether the engine has an object of that name. */
export const exists = (kind: "container" | "network", name: string): Promise<boolean> =>
  docker([kind, "inspect", "--format", "{{.Id}}", name]).then(
    () => true,
    (error: Error) => {
      if (/no such|not found/i.test(error.message)) return false;
      throw error;
    },
  );
