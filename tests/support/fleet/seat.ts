/**
 * Which of this machine's end-to-end fleets this process drives: 0, or what OWUI_E2E_SEAT says. Each has names, ports, a
 * workspace and networks of its own, so that runs of several seats go on at the same time; those of one seat take turns.
 */
export const seat = Number(process.env.OWUI_E2E_SEAT ?? 0);
if (!Number.isInteger(seat) || seat < 0 || seat > 9) throw new RangeError("OWUI_E2E_SEAT is 0 to 9");

/** The stack of the seat: `e2e`, `e2e1` ... */
export const seatStack = `e2e${seat || ""}`;

/** A port of the seat's hundred, 28400 to 28499 of the first one. */
export const portOf = (last: number): number => 28_400 + 100 * seat + last;
