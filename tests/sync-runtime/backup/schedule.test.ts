import { describe, expect, it } from "vitest";
import {
  dueAfterFailure,
  dueAfterGood,
  isToBeTidied,
  next,
  rescheduled,
  resumed,
} from "../../../sync-runtime/backup/schedule.ts";
import { beginning } from "../../../sync-runtime/backup/status-file.ts";

const at = (time: string) => new Date(`2026-11-22T${time}Z`);
const now = at("12:00:00");
const hour = 3_600;
const kept = {
  ...beginning("acme", at("00:00:00")),
  ...{ lastStarted: at("06:00:00").toISOString(), lastGood: at("06:00:00").toISOString() },
  due: at("12:00:00").toISOString(),
};

describe("the next backup", () => {
  it("comes an interval behind the beginning of the last, or up to a tenth of it earlier", () => {
    expect(dueAfterGood(at("06:00:00"), 6 * hour, 0)).toBe("2026-11-22T12:00:00.000Z");
    expect(dueAfterGood(at("06:00:00"), 6 * hour, 1)).toBe("2026-11-22T11:24:00.000Z");
  });

  it("comes sooner behind a failure, later behind each further one, and never later than at its interval", () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 40].map(
      (failures) => (Date.parse(dueAfterFailure(kept, now, 6 * hour, failures, 0)) - now.getTime()) / 60_000,
    );
    expect(minutes).toEqual([5, 10, 20, 40, 80, 160, 320, 360, 360]);
  });

  it("comes soon where there was none yet: a tenant that begins has no database", () => {
    expect(dueAfterFailure({ lastGood: null }, now, 6 * hour, 1, 0)).toBe("2026-11-22T12:00:30.000Z");
  });

  it("is that of whoever is due first", () => {
    expect(next([])).toBeUndefined();
    const other = { ...kept, tenant: "globex", due: at("11:00:00").toISOString() };
    expect(next([kept, other])).toEqual({ tenant: "globex", due: at("11:00:00") });
  });
});

describe("a start of the program", () => {
  it("changes nothing of what was decided", () => {
    expect(resumed(kept, 6 * hour, 7, now)).toEqual({ ...kept, every: 6 * hour, drillEvery: 7 });
  });

  it("counts a shorter interval at once, and a longer one from the next backup on", () => {
    expect(resumed(kept, 2 * hour, 7, now).due).toBe("2026-11-22T08:00:00.000Z");
    expect(resumed(kept, 24 * hour, 7, now).due).toBe(kept.due);
  });

  it("alone takes a run that goes on for one that was killed", () => {
    const running = { ...kept, lastStarted: at("11:00:00").toISOString() };
    expect(rescheduled(running, 2 * hour, 7, now)).toMatchObject({
      ...{ every: 2 * hour, drillEvery: 7, failing: null },
      due: "2026-11-22T08:00:00.000Z",
    });
  });

  it("leaves a tenant that fails to its next try", () => {
    const failing = { since: at("10:00:00").toISOString(), why: "no room" };
    const waiting = { ...kept, failing, due: at("13:00:00").toISOString() };
    expect(resumed(waiting, 2 * hour, 7, now)).toMatchObject({ due: waiting.due, failing });
  });

  it("knows a run that its program did not outlive", () => {
    const running = { ...kept, lastStarted: at("11:00:00").toISOString(), due: at("11:05:00").toISOString() };
    expect(resumed(running, 6 * hour, 7, now)).toMatchObject({
      failing: { since: running.lastStarted, why: "The program ended while it was backed up." },
      due: running.due,
    });
  });
});

it("removes what is too old once a day", () => {
  expect(isToBeTidied({ tidied: null }, now)).toBe(true);
  expect(isToBeTidied({ tidied: "2026-11-21T12:00:00.000Z" }, now)).toBe(true);
  expect(isToBeTidied({ tidied: "2026-11-21T12:00:01.000Z" }, now)).toBe(false);
});
