import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "../host/script.ts";

/** The script with programs in place of its two ssh clients: each writes what it was asked to `asked`. */
describe("await-machine.sh", () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
    bench.write("asked", "");
    bench.write("input", "text of a file\n");
    bench.program("sleep", "exit 0");
  });
  afterEach(() => bench.remove());

  const client = (name: string, text: string) =>
    bench.program(name, `echo "${name} $1" >>${bench.root}/asked\n${text}`);
  const refusing = (why: string) => `echo "${why}" >&2; exit 255`;
  const run = (steps: string[] = [], patience = 0) => {
    const { status, stderr } = spawnSync("sh", ["components/machine/await-machine.sh", ...steps], {
      input: "private key\n",
      encoding: "utf8",
      env: {
        ...process.env,
        ...{ NAME: "fra1-a", PATIENCE: String(patience), FINAL: "final-door", FIRST: "first-door" },
        PATH: `${bench.programs}:${process.env.PATH}`,
      },
    });
    return { status, said: stderr.split("\n").filter(Boolean) };
  };
  const asked = () => readFileSync(join(bench.root, "asked"), "utf8").split("\n").filter(Boolean);

  it("does nothing on a machine that is as it should be", () => {
    client("final-door", "exit 0");
    expect(run(["a step", "/dev/null", "line"])).toEqual({ status: 0, said: [] });
    expect(asked()).toEqual(["final-door true"]);
  });

  it.each([
    [
      "ssh: connect to host 203.0.113.7 port 22: Connection refused",
      "it is starting, and ssh does not answer yet",
    ],
    [
      "ssh: connect to host 203.0.113.7 port 22: Connection timed out",
      "nothing answers at its address (is this machine in operators.addresses?)",
    ],
    ["Host key verification failed.", "it shows another host key than the one it was given"],
    [
      "qbmgr@203.0.113.7: Permission denied (publickey).",
      "it does not let the operator in (is the private key of one of operators.keys here?)",
    ],
    ["something unheard of", "something unheard of"],
  ])("says of %s what that means, and at last that it gives up", (why, meaning) => {
    client("final-door", refusing(why));
    client("first-door", refusing(why));
    expect(run()).toEqual({
      status: 1,
      said: [
        `fra1-a: waiting: ${meaning}`,
        `fra1-a: it could not be reached for 0 seconds: ${meaning}.`,
        "fra1-a: Nothing on it was changed, and the next `up` goes on here. ssh said last:",
        why,
      ],
    });
  });

  it("does its steps over the first door, each with its input, until the final one is open", () => {
    client("final-door", `[ -e ${bench.root}/given ] || { ${refusing("Permission denied")}; }`);
    client("first-door", `case $1 in true) ;; *) cat >>${bench.root}/given ;; esac`);
    const { status, said } = run([
      ...["a file is put there", join(bench.root, "input"), "keep"],
      ...["a key is given", "-", "replace"],
    ]);
    expect({ status, said }).toEqual({
      status: 0,
      said: ["fra1-a: a file is put there", "fra1-a: a key is given", "fra1-a: it is set up"],
    });
    expect(readFileSync(join(bench.root, "given"), "utf8")).toBe("text of a file\nprivate key\n");
    expect(asked().slice(1)).toEqual([
      "first-door true",
      "first-door keep",
      "first-door replace",
      "final-door true",
    ]);
  });

  it("ends with what a step said that failed there, and does none after it", () => {
    client("final-door", refusing("Permission denied"));
    client("first-door", 'case $1 in true) ;; *) echo "status: error"; exit 1 ;; esac');
    const { status, said } = run(["cloud-init sets it up", "/dev/null", "wait", "next", "/dev/null", "next"]);
    expect(status).toBe(1);
    expect(said).toEqual([
      "fra1-a: cloud-init sets it up",
      "fra1-a: that failed, and the next `up` goes on with it. It said last:",
      "status: error",
    ]);
    expect(asked()).not.toContain("first-door next");
  });

  it("does a step again that a connection broke off", () => {
    client("final-door", `[ -e ${bench.root}/twice ] || { ${refusing("Permission denied")}; }`);
    client(
      "first-door",
      `case $1 in true) exit 0 ;; esac
[ -e ${bench.root}/once ] && { touch ${bench.root}/twice; exit 0; }
touch ${bench.root}/once; exit 255`,
    );
    expect(run(["a step", "/dev/null", "line"])).toMatchObject({ status: 0 });
    expect(asked().filter((line) => line === "first-door line")).toHaveLength(2);
  });
});
