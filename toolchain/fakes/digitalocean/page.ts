import type { Answer, Call } from "../http/route.ts";

/** Elements on a page where the client does not say, and at most. */
const defaultSize = 20;
const largestSize = 200;

const numberOf = (text: string | null, fallback: number): number => {
  const value = Number(text ?? fallback);
  return Number.isInteger(value) && value > 0 ? value : fallback;
};

/** One page of a list, with the links to the others and how many there are. */
export const page = <T>(key: string, all: readonly T[], call: Call): Answer => {
  const size = Math.min(numberOf(call.query.get("per_page"), defaultSize), largestSize);
  const current = numberOf(call.query.get("page"), 1);
  const last = Math.max(1, Math.ceil(all.length / size));
  const link = (to: number): string => {
    const query = new URLSearchParams(call.query);
    query.set("page", String(to));
    query.set("per_page", String(size));
    return `https://api.digitalocean.com${call.path}?${query}`;
  };
  const pages = {
    ...(current > 1 ? { first: link(1), prev: link(current - 1) } : {}),
    ...(current < last ? { next: link(current + 1), last: link(last) } : {}),
  };
  return {
    status: 200,
    body: {
      [key]: all.slice((current - 1) * size, current * size),
      links: Object.keys(pages).length > 0 ? { pages } : {},
      meta: { total: all.length },
    },
  };
};
