import type { HostDetail } from '@hsmfleet/web-api/schemas';
import { useState } from 'preact/hooks';
import { hrefOf } from '../routing/match-path.ts';
import { Breakable } from '../ui/breakable.tsx';
import { FlagBadge, ReadOnlyBadge, RunBadge } from '../ui/marks.tsx';
import { Empty } from '../ui/notice.tsx';
import { Section } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { Expiry, Time } from '../ui/time.tsx';
import { Tasks } from './run-changes.tsx';

/** What the parts of a host's page are given. */
interface Part {
  host: HostDetail;
}

/** The beginning of a hash; all of it is in the title. */
function Hash({ of }: { of: string | null }) {
  return of === null || of === '' ? <span class="soft">none</span> : <code title={of}>{of.slice(0, 12)}…</code>;
}

/** Certificates on the tokens, with what serves them. */
export function CertificateSection({ host }: Part) {
  return (
    <Section title="Certificates">
      <Table
        label="Certificates" noun="certificate" rows={host.certificates} keyOf={({ token, sha256, id }) => `${token} ${id} ${sha256}`} order={{ column: 'end', direction: 'ascending' }} empty="No certificate was seen."
        columns={[
          { id: 'subject', title: 'Subject', sort: ({ subject }) => subject, cell: ({ subject, label, id }) => <><Breakable text={subject} /><div class="soft small">{label} on {host.tokens.length > 1 ? 'its token, ' : ''}ID {id}</div></> },
          { id: 'end', title: 'Ends', sort: ({ notAfter }) => notAfter, cell: ({ notAfter, daysLeft }) => <Expiry at={notAfter} daysLeft={daysLeft} /> },
          { id: 'key', title: 'Matches its key', sort: ({ matchesKey }) => (matchesKey === null ? null : Number(matchesKey)), cell: ({ matchesKey }) => <FlagBadge flag={matchesKey} /> },
          { id: 'sites', title: 'Served by', empty: ({ sites }) => sites.length === 0, cell: ({ sites }) => (sites.length === 0 ? <span class="soft">nothing</span> : <Breakable text={sites.join(', ')} />) },
          { id: 'issuer', title: 'Issuer', sort: ({ issuer }) => issuer, cell: ({ issuer }) => <span class="small"><Breakable text={issuer} /></span> },
          { id: 'token', title: 'Token', sort: ({ token }) => token, cell: ({ token }) => <Breakable text={token} /> },
          { id: 'sha', title: 'SHA-256', cell: ({ sha256 }) => <Hash of={sha256} /> },
        ]}
      />
    </Section>
  );
}

/** Keys on the tokens, as their public halves show them. */
export function KeySection({ host }: Part) {
  return (
    <Section title="Keys">
      <Table
        label="Keys" noun="key" rows={host.keys} keyOf={({ module, token, id, label, fingerprint }) => `${module} ${token} ${id} ${label} ${fingerprint ?? ''}`} empty="No key was seen."
        columns={[
          { id: 'label', title: 'Label', sort: ({ label }) => label, cell: ({ label, id }) => <>{label === '' ? '(no label)' : label} <span class="soft small">ID {id}</span></> },
          { id: 'type', title: 'Type', sort: ({ type, bits }) => `${type} ${String(bits)}`, cell: ({ type, bits, curve }) => `${type.toUpperCase()} ${curve ?? String(bits ?? '')}` },
          { id: 'class', title: 'Seen as', sort: ({ class: seen }) => seen, cell: ({ class: seen }) => seen },
          { id: 'sensitive', title: 'Sensitive', cell: ({ sensitive }) => <FlagBadge flag={sensitive} /> },
          { id: 'extractable', title: 'Extractable', cell: ({ extractable }) => <FlagBadge flag={extractable} good={false} /> },
          { id: 'token', title: 'Token', sort: ({ token }) => token, cell: ({ token }) => <Breakable text={token} /> },
          { id: 'fingerprint', title: 'Fingerprint', cell: ({ fingerprint }) => <Hash of={fingerprint} /> },
        ]}
      />
    </Section>
  );
}

/** PKCS#11 libraries, each with the proof behind the verdict. */
export function ModuleSection({ host }: Part) {
  return (
    <Section title="PKCS#11 modules">
      <Table
        label="PKCS#11 modules" noun="module" rows={host.modules} keyOf={({ path }) => path} empty="No PKCS#11 library was seen."
        columns={[
          { id: 'path', title: 'Library', sort: ({ path }) => path, cell: ({ path, realPath }) => <><code><Breakable text={path} /></code>{realPath !== null && realPath !== path && <div class="soft small mono"><Breakable text={realPath} /></div>}</> },
          { id: 'verdict', title: 'Verdict', sort: ({ readOnly }) => readOnly, cell: ({ readOnly }) => <ReadOnlyBadge verdict={readOnly} /> },
          { id: 'proof', title: 'Proof', cell: ({ readOnlyReason, readOnlyAt, error }) => <>{error ?? readOnlyReason}{readOnlyAt !== null && <div class="soft small"><Time at={readOnlyAt} exact /></div>}</> },
          { id: 'version', title: 'Version', sort: ({ version }) => version, cell: ({ manufacturer, description, version }) => <>{version} <span class="soft small">{[manufacturer, description].filter((text) => text !== '').join(', ')}</span></> },
          { id: 'tokens', title: 'Tokens', end: true, sort: ({ tokens }) => tokens, cell: ({ tokens }) => tokens },
          { id: 'sha', title: 'SHA-256', cell: ({ sha256 }) => <Hash of={sha256} /> },
        ]}
      />
    </Section>
  );
}

/** TLS sites and what they really served. */
export function SiteSection({ host }: Part) {
  return (
    <Section title="TLS sites">
      <Table
        label="TLS sites" noun="site" rows={host.sites} keyOf={({ name, port, config }) => `${name}:${String(port)} ${config}`} empty="No TLS site was found."
        columns={[
          { id: 'site', title: 'Site', sort: ({ name }) => name, cell: ({ name, port }) => <Breakable text={`${name}:${String(port)}`} /> },
          { id: 'serving', title: 'Serving', cell: ({ serving }) => <FlagBadge flag={serving} /> },
          { id: 'token', title: "The token's key", cell: ({ servedFromToken }) => <FlagBadge flag={servedFromToken} /> },
          { id: 'engine', title: 'Engine', sort: ({ engine }) => engine, cell: ({ engine }) => engine },
          { id: 'key', title: 'Key', cell: ({ key }) => <span class="mono small"><Breakable text={key} /></span> },
          { id: 'config', title: 'Defined in', cell: ({ config }) => <span class="mono small"><Breakable text={config} /></span> },
          { id: 'error', title: 'Problem', empty: ({ error }) => error === null, cell: ({ error }) => error ?? '' },
        ]}
      />
    </Section>
  );
}

/** NSS databases and the modules that they load. */
export function NssSection({ host }: Part) {
  if (host.nssModules.length === 0) return null;
  return (
    <Section title="NSS databases">
      <Table
        label="NSS databases" noun="module" rows={host.nssModules} keyOf={({ database, name }) => `${database} ${name}`} empty=""
        columns={[
          { id: 'name', title: 'Module', sort: ({ name }) => name, cell: ({ name }) => name },
          { id: 'database', title: 'Database', sort: ({ database }) => database, cell: ({ database, kind }) => <><code><Breakable text={database} /></code> <span class="soft small">{kind}</span></> },
          { id: 'library', title: 'Library', empty: ({ library }) => library === '', cell: ({ library }) => (library === '' ? <span class="soft">internal</span> : <code><Breakable text={library} /></code>) },
          { id: 'enabled', title: 'Enabled', cell: ({ enabled }) => (enabled ? 'yes' : 'no') },
          { id: 'mode', title: 'Mode and owner', cell: ({ mode, owner, group }) => <span class="mono small">{mode} {owner}:{group}</span> },
        ]}
      />
    </Section>
  );
}

/** Tokens held against the manifests of those that were prepared. */
export function CustodySection({ host }: Part) {
  if (host.custody.length === 0) return null;
  return (
    <Section title="Custody">
      <Table
        label="Custody" noun="token" rows={host.custody} keyOf={({ token, run }) => `${token} ${run}`} empty=""
        columns={[
          { id: 'token', title: 'Token', sort: ({ token }) => token, cell: ({ token }) => <Breakable text={token} /> },
          { id: 'verdict', title: 'Verdict', sort: ({ verdict }) => verdict, cell: ({ verdict }) => <FlagBadge flag={verdict === 'proven' ? true : verdict === 'unknown' ? null : false} yes="proven" no={verdict} /> },
          { id: 'differences', title: 'Differences', empty: ({ differences }) => differences.length === 0, cell: ({ differences }) => (differences.length === 0 ? 'none' : differences.map((line) => <div key={line}>{line}</div>)) },
          { id: 'prepared', title: 'Prepared', empty: ({ preparedAt }) => preparedAt === null, cell: ({ preparedBy, preparedAt }) => preparedAt !== null && <>by {preparedBy}, <Time at={preparedAt} /></> },
          { id: 'at', title: 'Looked at', sort: ({ at }) => at, cell: ({ at, run }) => <a href={hrefOf('/runs/:run', { run })}><Time at={at} /></a> },
        ]}
      />
    </Section>
  );
}

/** The newest runs on the host; what one of them changed is asked for when the reader opens it. */
export function HostRuns({ host }: Part) {
  return (
    <Section title="Recent runs">
      {host.runs.length === 0 ? <Empty>No run yet.</Empty> : host.runs.map((run) => <HostRun key={run.run} host={host.summary.host} run={run} />)}
    </Section>
  );
}

function HostRun({ host, run }: { host: string; run: HostDetail['runs'][number] }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <RunBadge status={run.status} /> {run.playbook}{run.check && ' in check mode'} <span class="soft">by {run.user}, <Time at={run.startedAt} />: {run.ok} ok, {run.changed} changed, {run.failed} failed</span>
      </summary>
      <div class="stack tight">
        {run.error !== null && <p class="urgency-over">{run.error}</p>}
        {open && <Tasks run={run.run} host={host} />}
        <p><a href={hrefOf('/runs/:run/hosts/:host', { run: run.run, host })}>All tasks of this run on {host}</a></p>
      </div>
    </details>
  );
}
