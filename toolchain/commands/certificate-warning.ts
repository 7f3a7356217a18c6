import type { FleetView } from "./fleet-status.ts";

const dayMs = 86_400_000;
/** How long ahead an end is told. */
const warningDays = 30;

/** What to say of certificates that end within a month, the first to end first; nothing while all live longer. */
export function certificateWarning({ certificates }: Pick<FleetView, "certificates">, now: number): string[] {
  const ending = certificates
    .map(({ name, expires_at }) => ({ name, left: Date.parse(expires_at) - now }))
    .filter(({ left }) => left < warningDays * dayMs)
    .sort((one, other) => one.left - other.left);
  if (ending.length === 0) return [];
  return [
    ...ending.map(({ name, left }) => `The certificate of ${name} ${endText(left)}.`),
    "`npm run up` makes it anew and restarts nothing; with its end the syncs that need it stop.",
  ];
}

const endText = (left: number): string => {
  if (left < 0) return "HAS ENDED";
  const days = Math.floor(left / dayMs);
  return days === 0 ? "ends within a day" : `ends in ${days} day${days === 1 ? "" : "s"}`;
};
