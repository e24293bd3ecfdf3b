import type { HostDetail, RunStatus } from '@hsmfleet/web-api';
import { CERTIFICATE_COLUMNS, certificatesOf } from './certificates.ts';
import { count, flag, lines, number, text, type ViewRow } from './cells.ts';
import { resultsOfHost } from './controls.ts';
import type { CheckHeads } from './check-heads.ts';
import type { DataStore } from './data-store.ts';
import { summariesOf } from './hosts.ts';
import { sumUpHosts, type Outcomes } from './outcomes.ts';

type Verdict = HostDetail['modules'][number]['readOnly'];

/** Everything about a host. */
export async function readHost(store: DataStore, heads: CheckHeads, outcomes: Outcomes, name: string): Promise<HostDetail | undefined> {
  const latest = await outcomes.latest();
  const [summary] = await summariesOf(store, sumUpHosts(latest), [name]);
  const all = (sql: string): Promise<ViewRow[]> => store.read(sql, { host: name });
  const [host] = await all('select * from hosts where host = $host');
  if (summary === undefined || host === undefined) return undefined;
  const sites = await all('select * from sites where host = $host order by name, port');
  return {
    summary, fqdn: text(host.fqdn), address: text(host.address), architecture: text(host.architecture), kernel: text(host.kernel),
    apacheService: text(host.apache_service), agent: text(host.agent), node: text(host.node), firstSeenAt: text(host.first_seen_at),
    lastError: text(host.last_error), evidence: text(host.evidence), disturbed: flag(host.disturbed),
    modules: (await all('select * from modules where host = $host order by path')).map(moduleOf),
    tokens: (await all('select * from tokens where host = $host order by label, module')).map(tokenOf),
    keys: (await all('select * from keys where host = $host order by token, id')).map(keyOf),
    certificates: certificatesOf(await all(`select distinct ${CERTIFICATE_COLUMNS} from certificates where host = $host order by not_after, token, id`), sites),
    nssModules: (await all('select * from nss_modules where host = $host order by database, name')).map(nssModuleOf),
    sites: sites.map(siteOf),
    custody: (await all('select * from custody where host = $host and latest = 1 order by token')).map(custodyOf),
    results: await resultsOfHost(store, heads, latest, name),
    runs: (await all('select * from runs where host = $host order by started_at desc limit 20')).map(runOf),
  };
}

function moduleOf(row: ViewRow): HostDetail['modules'][number] {
  return {
    path: String(row.path), realPath: text(row.real_path), sha256: text(row.sha256), manufacturer: String(row.manufacturer), description: String(row.description),
    version: String(row.version), cryptokiVersion: String(row.cryptoki_version), readOnly: String(row.read_only) as Verdict, readOnlyReason: String(row.read_only_reason),
    readOnlyAt: text(row.read_only_at), tokens: count(row.tokens), error: text(row.error),
  };
}

function tokenOf(row: ViewRow): HostDetail['tokens'][number] {
  return {
    module: String(row.module), label: String(row.label), serial: String(row.serial), manufacturer: String(row.manufacturer), model: String(row.model),
    slotDescription: String(row.slot_description), pinState: String(row.pin_state), flags: String(row.flags).split(' ').filter((name) => name !== ''),
    identity: String(row.identity), keys: count(row.keys), certificates: count(row.certificates),
  };
}

function keyOf(row: ViewRow): HostDetail['keys'][number] {
  return {
    module: String(row.module), token: String(row.token), id: String(row.id), label: String(row.label), class: String(row.class), type: String(row.type),
    bits: number(row.bits), curve: text(row.curve), fingerprint: text(row.fingerprint), sensitive: flag(row.sensitive), extractable: flag(row.extractable),
  };
}

function nssModuleOf(row: ViewRow): HostDetail['nssModules'][number] {
  return {
    database: String(row.database), kind: String(row.database_kind), mode: String(row.database_mode), owner: String(row.database_owner),
    group: String(row.database_group), name: String(row.name), library: String(row.library), enabled: flag(row.enabled) === true,
  };
}

function siteOf(row: ViewRow): HostDetail['sites'][number] {
  return {
    name: String(row.name), port: count(row.port), engine: String(row.engine), config: String(row.config), key: String(row.key), serving: flag(row.serving),
    servedFromToken: flag(row.served_from_token), servedKeyFingerprint: text(row.served_key_fingerprint),
    servedCertificateSha256: text(row.served_certificate_sha256), error: text(row.error),
  };
}

function custodyOf(row: ViewRow): HostDetail['custody'][number] {
  return {
    token: String(row.token), verdict: String(row.verdict), preparedBy: text(row.prepared_by), preparedAt: text(row.prepared_at),
    differences: lines(row.differences), at: String(row.collected_at), run: String(row.run),
  };
}

function runOf(row: ViewRow): HostDetail['runs'][number] {
  return {
    run: String(row.run), playbook: String(row.playbook), user: String(row.user), check: flag(row.check_mode) === true, startedAt: String(row.started_at),
    finishedAt: text(row.finished_at), status: String(row.status) as RunStatus, error: text(row.error), ok: count(row.ok), changed: count(row.changed),
    failed: count(row.failed) + count(row.refused),
  };
}
