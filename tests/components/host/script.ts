import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Script, shellLine } from "../../../components/host/shell.ts";

/** A directory that a host's data root could be, and programs that stand in for those the scripts call. */
export class Workbench {
  readonly root = mkdtempSync(join(tmpdir(), "fleet-"));
  readonly programs = mkdtempSync(join(tmpdir(), "fleet-programs-"));

  /** Puts a program in front of the real one; `text` is a shell script. */
  program(name: string, text: string): void {
    const path = join(this.programs, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  }

  /** Writes a file below the root. */
  write(path: string, content: string): void {
    mkdirSync(join(this.root, path, ".."), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  /** Runs scripts as a host would. */
  run(scripts: Script[], input = ""): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", shellLine(scripts)], {
      input,
      encoding: "utf8",
      env: { ...process.env, PATH: `${this.programs}:${process.env.PATH}` },
    });
    return { status, stdout, stderr };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
    rmSync(this.programs, { recursive: true, force: true });
  }
}

/** Owner of the files a test makes, whoever runs it: only root can give files away. */
export const ownOwner = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}` as `${number}:${number}`;
