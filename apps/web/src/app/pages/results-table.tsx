import type { HostResult } from '@hsmfleet/web-api/schemas';
import type { ComponentChildren } from 'preact';
import { hrefOf } from '../routing/match-path.ts';
import { HostLink } from '../ui/breakable.tsx';
import { OutcomeBadge, OUTCOMES, SeverityBadge } from '../ui/marks.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';

const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;

/** Results of controls on hosts: what was found, since when, and what it stands under. */
export function ResultsTable({ results, label, empty, by, rest }: {
  results: readonly HostResult[];
  label: string;
  empty: ComponentChildren;
  /** What names a row: the page of a host lists controls, the page of a control hosts. */
  by: 'host' | 'control' | 'control-and-host';
  rest?: ComponentChildren;
}) {
  const host: Column<HostResult> = { id: 'host', title: 'Host', sort: (row) => row.host, cell: (row) => <HostLink host={row.host} /> };
  const control: Column<HostResult> = { id: 'control', title: 'Control', sort: ({ title }) => title, cell: (row) => <a href={hrefOf('/controls/:control', { control: row.control })}>{row.title}</a> };
  const severity: Column<HostResult> = { id: 'severity', title: 'Severity', sort: (row) => SEVERITIES.indexOf(row.severity), cell: (row) => <SeverityBadge severity={row.severity} /> };
  return (
    <Table
      label={label} noun="result" rows={results} empty={empty} rest={rest} pageSize={40}
      keyOf={(row) => `${row.check} ${row.control} ${row.host}`}
      columns={[
        ...{ host: [host], control: [control], 'control-and-host': [control, host] }[by],
        { id: 'outcome', title: 'Outcome', sort: ({ outcome }) => OUTCOMES.indexOf(outcome), cell: ({ outcome }) => <OutcomeBadge outcome={outcome} /> },
        ...(by === 'host' ? [] : [severity]),
        { id: 'what', title: 'What was found', empty: (row) => row.findings.length === 0 && row.error === null && row.waiver === null, cell: (row) => <Found result={row} /> },
        { id: 'evidence', title: 'Evidence', sort: ({ evidenceAt }) => evidenceAt, cell: ({ evidenceAt }) => (evidenceAt === null ? <span class="soft">none</span> : <span class="nowrap"><Time at={evidenceAt} /></span>) },
      ]}
    />
  );
}

function Found({ result: { findings, waiver, error } }: { result: HostResult }) {
  return (
    <div class="stack tight">
      {error !== null && <span>{error}</span>}
      {findings.map(({ message, row, firstSeenAt }, index) => (
        <div key={index}>
          {message} {firstSeenAt !== null && <span class="soft small">since <Time at={firstSeenAt} /></span>}
          <details class="small">
            <summary>the row</summary>
            <dl class="facts">
              {Object.entries(row).map(([name, value]) => [<dt key={`${name}:`} class="mono">{name}</dt>, <dd key={name} class="mono">{value === null ? <span class="soft">null</span> : String(value)}</dd>])}
            </dl>
          </details>
        </div>
      ))}
      {waiver !== null && (
        <span class={`small ${waiver.expired ? 'urgency-over' : 'soft'}`}>
          {waiver.expired ? `The waiver ended on ${waiver.until}` : `Waived until ${waiver.until}`} by {waiver.owner}: {waiver.reason}
        </span>
      )}
    </div>
  );
}
