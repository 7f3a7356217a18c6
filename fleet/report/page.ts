import { sizeText } from "../../toolchain/commands/sync-view.ts";
import { type HostFacts, isProtected, type Report, type TenantFacts } from "./facts.ts";
import { pricesOf } from "./prices.ts";
import { releasesOf } from "./releases.ts";
import type { Verdict } from "./verdict.ts";

/** A report as one page: no script, nothing fetched; reads on a phone, prints on paper. Pure. */
export const reportPage = (report: Report): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Fleet ${escaped(report.stack)}, ${day(report.at)}</title>
<style>${style}</style>
</head>
<body>
<header><h1>Fleet ${escaped(report.stack)}</h1><p>As it was seen at ${escaped(report.at.slice(0, 16).replace("T", " "))} UTC.</p></header>
<section class="tiles">${tiles(report)}</section>
${section("Alerts", alertList(report))}
${section("Protection", table(["Tenant", "Replica", "Backup", "Last drill", "Protected"], report.tenants.map(protectionRow)))}
<p class="note">A tenant is protected when its replica was proven equal lately, it has a fresh backup, and a drill has restored one and found it whole.</p>
${section("Versions", table(["Tenant", "Open WebUI", "Behind upstream", "Health"], report.tenants.map(versionRow)))}
<p class="note">Compared with the releases known on ${releasesOf}.</p>
${section("Use", table(["Tenant", "Persons in 30 days", "Memory", "On disk", "Host"], report.tenants.map(useRow)))}
${section("Hosts and what they cost", table(["Host", "Kind", "Tenants", "Memory used", "Disk used", "Dollars a month"], report.hosts.map(hostRow)))}
<p class="note">DigitalOcean's list prices of ${pricesOf}, with volumes, without tax, traffic and snapshots. What other servers cost is not known here.</p>
${section("Certificates", table(["Certificate", "Ends", "Left"], certificateRows(report)))}
</body>
</html>
`;

interface Cell {
  html: string;
  tone?: Tone;
}
type Tone = "good" | "bad" | "unknown";

const plain = (text: string): Cell => ({ html: escaped(text) });
const verdict = ({ ok, text }: Verdict): Cell => ({
  html: escaped(text),
  tone: ok === null ? "unknown" : ok ? "good" : "bad",
});

function tiles({ tenants, hosts, users, alerts }: Report): string {
  const whole = tenants.filter(isProtected).length;
  const late = tenants.filter(({ behind }) => behind.ok === false).length;
  const costs = hosts.flatMap(({ cost }) => (cost === null ? [] : [cost]));
  const tile = (value: string, name: string, tone?: Tone) =>
    `<div class="tile${tone ? ` ${tone}` : ""}"><b>${escaped(value)}</b><span>${escaped(name)}</span></div>`;
  const past = users !== null && users.allowed !== null && users.active > users.allowed;
  return [
    tile(String(tenants.length), tenants.length === 1 ? "tenant" : "tenants"),
    tile(`${whole} of ${tenants.length}`, "protected", whole === tenants.length ? "good" : "bad"),
    tile(alerts === null ? "?" : String(alerts.length), "alerts", alerts?.length === 0 ? "good" : "bad"),
    tile(String(late), "behind upstream", late === 0 ? "good" : "bad"),
    tile(
      users === null ? "?" : `${users.active}${users.allowed === null ? "" : ` of ${users.allowed}`}`,
      "persons in 30 days",
      users === null ? "unknown" : past ? "bad" : undefined,
    ),
    tile(
      costs.length === 0 ? "?" : `$${money(costs.reduce((sum, one) => sum + one, 0))}`,
      costs.length === hosts.length ? "a month" : `a month, ${costs.length} of ${hosts.length} hosts known`,
    ),
  ].join("");
}

const alertList = ({ alerts }: Report): string => {
  if (alerts === null) return `<p class="unknown">Not known: nothing watches, or it does not answer.</p>`;
  if (alerts.length === 0) return `<p class="good">None fires.</p>`;
  return `<ul>${alerts.map(({ name, severity, summary }) => `<li class="bad"><b>${escaped(name)}</b> (${escaped(severity)}): ${escaped(summary)}</li>`).join("")}</ul>`;
};

const protectionRow = (tenant: TenantFacts): Cell[] => [
  plain(tenant.id),
  verdict(tenant.replica),
  verdict(tenant.backup),
  verdict(tenant.drill),
  isProtected(tenant) ? { html: "yes", tone: "good" } : { html: "NO", tone: "bad" },
];

const versionRow = ({ id, version, behind, health }: TenantFacts): Cell[] => [
  plain(id),
  plain(version),
  verdict(behind),
  { html: escaped(health), tone: health === "healthy" ? "good" : "bad" },
];

const useRow = ({ id, users, memory, stored, host }: TenantFacts): Cell[] => [
  plain(id),
  plain(users === null ? "not known" : String(users)),
  bar(memory.used, memory.limit),
  plain(stored === null ? "not known" : sizeText(stored)),
  plain(host),
];

const hostRow = ({ id, kind, size, cost, tenants, usage, failure }: HostFacts): Cell[] => [
  plain(id),
  plain(size === "" ? kind : `${kind}, ${size}`),
  plain(String(tenants)),
  ...(usage
    ? [
        bar(usage.memory.total - usage.memory.free, usage.memory.total),
        usage.disk ? bar(usage.disk.total - usage.disk.free, usage.disk.total) : plain("not known"),
      ]
    : [{ html: `not asked: ${escaped(failure ?? "")}`, tone: "bad" as const }, plain("not known")]),
  plain(cost === null ? "not known" : money(cost)),
];

function certificateRows({ certificates, tenants, at }: Report): Cell[][] {
  const sites = tenants.flatMap(({ id, certificate }) =>
    certificate === null ? [] : [{ name: `site of ${id}`, ends: certificate }],
  );
  const all = [...sites, ...certificates].sort((one, other) => one.ends.localeCompare(other.ends));
  if (all.length === 0) return [[{ html: "not known", tone: "unknown" }, plain(""), plain("")]];
  return all.map(({ name, ends }) => {
    const days = Math.floor((Date.parse(ends) - Date.parse(at)) / 86_400_000);
    return [
      plain(name),
      plain(day(ends)),
      { html: days < 0 ? "ENDED" : `${days} d`, tone: days < 14 ? "bad" : "good" },
    ];
  });
}

/** How much is used of what there is, as a bar with its figures. */
function bar(used: number | null, total: number): Cell {
  if (used === null) return { html: `not known, of ${escaped(sizeText(total))}`, tone: "unknown" };
  const share = Math.min(100, Math.round((100 * used) / Math.max(1, total)));
  return {
    html: `<span class="bar"><i style="width:${share}%"${share > 90 ? ` class="full"` : ""}></i></span>${escaped(sizeText(used))} of ${escaped(sizeText(total))}`,
  };
}

const section = (title: string, inner: string): string => `<section><h2>${title}</h2>${inner}</section>`;

/** Each cell carries its column's name, which a phone shows in place of the head. */
const table = (head: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  `<table><thead><tr>${head.map((name) => `<th>${name}</th>`).join("")}</tr></thead><tbody>${rows
    .map(
      (cells) =>
        `<tr>${cells.map(({ html, tone }, at) => `<td data-name="${head[at] ?? ""}"${tone ? ` class="${tone}"` : ""}><span>${html}</span></td>`).join("")}</tr>`,
    )
    .join("")}</tbody></table>`;

const day = (iso: string): string => iso.slice(0, 10);
const money = (dollars: number): string => dollars.toFixed(2).replace(/\.00$/, "");
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const style = `
:root { color-scheme: light; --good: #17643a; --bad: #a3160f; --unknown: #6b5900; --line: #d8dce2; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; color: #16191d; max-width: 64rem; margin: 0 auto; padding: 1rem 1rem 3rem; }
header p, .note { color: #555c66; margin: .2rem 0 1rem; }
.note { font-size: .85rem; }
h1 { font-size: 1.6rem; margin: .5rem 0 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem; }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.35rem; }
.tile span { color: #555c66; font-size: .85rem; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .unknown { color: var(--unknown); }
.tile.good b { color: var(--good); } .tile.bad b { color: var(--bad); } .tile { color: inherit; font-weight: inherit; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { font-size: .8rem; color: #555c66; font-weight: 600; }
td:first-child { font-weight: 600; }
.bar { display: block; width: 100%; max-width: 9rem; height: .45rem; background: #e7eaee; border-radius: .3rem; margin: .25rem 0 .15rem; overflow: hidden; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.bar i { display: block; height: 100%; background: #3465a4; } .bar i.full { background: var(--bad); }
@media (max-width: 42rem) {
  thead { display: none; }
  tr { display: block; border: 1px solid var(--line); border-radius: .5rem; margin-bottom: .6rem; padding: .3rem .7rem; }
  td { display: grid; grid-template-columns: 9rem 1fr; border: 0; padding: .2rem 0; }
  td::before { content: attr(data-name); color: #555c66; font-weight: 400; font-size: .85rem; }
}
@media print { body { max-width: none; padding: 0; font-size: 12px; } tr, .tile { break-inside: avoid; } h2 { break-after: avoid; } }
`;
