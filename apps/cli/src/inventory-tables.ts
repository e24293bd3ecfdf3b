import type { InventoryReport, ModuleRow } from '@hsmfleet/contract';
import { formatTable, printable, type Colors, type TableCell } from '@hsmfleet/reporter';

/** Tables of tokens (with the proof), keys, certificates, sites, and errors; hosts in the order of the hosts file. */
export function inventoryTables(reports: readonly InventoryReport[], hosts: readonly string[], colors: Colors): string {
  const sorted = [...reports].sort((a, b) => hosts.indexOf(a.host) - hosts.indexOf(b.host));
  const section = (name: string, columns: string[], rows: TableCell[][]): string =>
    rows.length === 0 ? '' : `${colors.bold(colors.underline(name))}\n${formatTable(columns, rows, colors)}`;
  const sections = [
    section('Tokens', ['host', 'token', 'serial', 'module', 'version', 'proof', 'PIN', 'keys', 'certificates'], sorted.flatMap(tokenRows)),
    section('Keys', ['host', 'token', 'id', 'label', 'type', 'bits', 'curve', 'fingerprint'], sorted.flatMap(keyRows)),
    section('Certificates', ['host', 'token', 'id', 'label', 'subject', 'until', 'key'], sorted.flatMap(certificateRows)),
    section('Sites', ['host', 'site', 'port', 'engine', 'serving', 'from token'], sorted.flatMap(siteRows)),
    section('Errors', ['host', 'where', 'error'], sorted.flatMap(errorRows)),
    ...sorted.flatMap(({ host, modules, evidence }) => modules.filter(({ tokens, error }) => evidence === 'live' && tokens.length === 0 && error === null)
      .map(({ path }) => `${printable(host)}: ${printable(path)} shows no token; a module that asks a daemon has to be told where: --module-env NAME=VALUE\n`)),
    ...sorted.filter(({ evidence }) => evidence === 'passive').map(({ host }) =>
      `${printable(host)}: the token was not touched, because reading it disturbs the site; what is shown is passive evidence\n`),
    ...sorted.filter(({ disturbed }) => disturbed === true).map(({ host }) =>
      `${printable(host)}: reading disturbed a serving site, which was restarted; it is read in maintenance windows only from now on\n`),
  ].filter((text) => text !== '');
  return sections.length === 0 ? 'no PKCS#11 modules were found\n' : sections.join('\n');
}

/** Modules without a token are shown as well, for their proof and their errors. */
function tokenRows({ host, modules }: InventoryReport): TableCell[][] {
  return modules.flatMap((module): TableCell[][] => {
    const of = [module.path, module.version];
    if (module.tokens.length === 0) return [[host, null, null, ...of, proof(module), null, 0, 0]];
    return module.tokens.map((token) => [
      host, token.label, token.serial === '' ? null : token.serial, ...of, proof(module), token.pinState, token.keys.length, token.certificates.length,
    ]);
  });
}

function proof({ readOnly }: ModuleRow): string {
  return readOnly.verdict === 'read_only' ? 'read-only' : readOnly.verdict;
}

function keyRows({ host, modules }: InventoryReport): TableCell[][] {
  return distinct(modules.flatMap(({ tokens }) => tokens.flatMap((token) => token.keys.map((key): TableCell[] => [
    host, token.label, key.id, key.label, key.type, key.bits, key.curve, key.fingerprint?.slice(0, 16) ?? null,
  ]))));
}

function certificateRows({ host, modules }: InventoryReport): TableCell[][] {
  return distinct(modules.flatMap(({ tokens }) => tokens.flatMap((token) => token.certificates.map((certificate): TableCell[] => [
    host, token.label, certificate.id, certificate.label, certificate.subject, certificate.notAfter.slice(0, 10),
    certificate.matchesKey === null ? 'no key' : certificate.matchesKey ? 'matches' : 'differs',
  ]))));
}

function siteRows({ host, sites }: InventoryReport): TableCell[][] {
  const yesNo = (value: boolean | null): string | null => (value === null ? null : value ? 'yes' : 'no');
  return sites.map((site) => [host, site.name, site.port, site.engine, yesNo(site.serving), yesNo(site.servedFromToken)]);
}

function errorRows({ host, errors, modules, sites }: InventoryReport): TableCell[][] {
  return [
    ...errors.map((error): TableCell[] => [host, null, error.message]),
    ...[...modules.map(({ path, error }) => ({ where: path, error })), ...sites.map(({ name, error }) => ({ where: name, error }))]
      .flatMap(({ where, error }): TableCell[][] => (error === null ? [] : [[host, where, error.message]])),
  ];
}

/** By token and id. A token seen through two libraries has its keys twice; people want them once. */
function distinct(rows: TableCell[][]): TableCell[][] {
  const order = (row: TableCell[]): string => `${String(row[1])}\0${String(row[2])}`;
  const once = [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
  return once.sort((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0));
}
