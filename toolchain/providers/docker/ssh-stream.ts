import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Duplex } from "node:stream";

/** What a refused connection said at most: more would hide it. */
const wordsKept = 2_000;

/**
 * argv of one connection to the engine of an `ssh://[user@]host[:port]` address, as Docker's own client makes it: the
 * far side runs `docker system dial-stdio`. Options come first, so that they win.
 */
export const dialArguments = (host: string, sshOpts: readonly string[]): string[] => {
  const url = URL.canParse(host) ? new URL(host) : undefined;
  if (url?.protocol !== "ssh:" || url.hostname === "") throw refused(host, "it names no host");
  if (url.password !== "") throw refused(host.replace(`:${url.password}@`, ":…@"), "it holds a password");
  if (url.pathname.length > 1 || url.search !== "" || url.hash !== "") throw refused(host, "it has a path");
  const user = decodeURIComponent(url.username);
  // ssh takes IPv6 addresses without their brackets.
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return [
    ...[...sshOpts, "-o", "ConnectTimeout=30", "-T"],
    ...(user === "" ? [] : ["-l", user]),
    ...(url.port === "" ? [] : ["-p", url.port]),
    ...["--", name, "docker", "system", "dial-stdio"],
  ];
};

const refused = (host: string, why: string) =>
  new Error(`the docker stand-in takes ssh://[user@]host[:port], not ${host}: ${why}`);

/** An ssh client that ended before its connection was given up; the message says what it said. */
export class SshEndedError extends Error {
  override readonly name = "SshEndedError";
}

/** One connection to an engine of another machine: an ssh client whose input and output are the two directions. */
export class SshStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #host: string;
  #said = "";

  constructor(host: string, sshOpts: readonly string[]) {
    super({ allowHalfOpen: true });
    this.#host = host;
    const child = spawn("ssh", dialArguments(host, sshOpts), { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.on("data", (data: Buffer) => this.push(data) || child.stdout.pause());
    child.stderr.on("data", (data: Buffer) => {
      this.#said = (this.#said + data.toString()).slice(-wordsKept);
    });
    // What is written to a client that has ended is told by its end.
    child.stdin.on("error", () => {});
    child.once("error", (error) => this.destroy(this.#failure(error.message)));
    // All that it printed has been read by then.
    child.once("close", (code, signal) => {
      if (code !== 0) this.destroy(this.#failure(signal ?? `status ${code}`));
      else this.#end();
    });
  }

  /** The far side has nothing more to say: nobody is to use this connection again. */
  #end(): void {
    this.push(null);
    this.end();
    // One that waits for its next request has no reader who would notice.
    if (this.listenerCount("data") + this.listenerCount("readable") === 0) this.destroy();
  }

  #failure(status: string): SshEndedError {
    const said = this.#said.trim();
    return new SshEndedError(`ssh to ${this.#host} ended with ${status}${said === "" ? "" : `: ${said}`}`);
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#child.stdin.write(chunk)) done();
    else this.#child.stdin.once("drain", done);
  }

  override _final(done: () => void): void {
    this.#child.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  // What HTTP asks of a socket and a pipe has not.
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
