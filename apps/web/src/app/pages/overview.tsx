import type { CertificateList, Overview, OutcomeSeries } from '@hsmfleet/web-api/schemas';
import { useMemo } from 'preact/hooks';
import { useData } from '../api/use-data.ts';
import { hrefOf } from '../routing/match-path.ts';
import { Breakable, HostLink } from '../ui/breakable.tsx';
import { OutcomeBadge, OUTCOMES, OUTCOME_WORDS, SeverityBadge } from '../ui/marks.tsx';
import { Answer, Empty } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { Plot, type PlotData } from '../ui/plot.tsx';
import { Bars, OutcomeShares } from '../ui/shares.tsx';
import { Table } from '../ui/table.tsx';
import { Expiry, Time } from '../ui/time.tsx';
import { countOf } from '../ui/words.ts';
import { RunTable } from './run-table.tsx';

/** How the whole fleet stands. */
export function OverviewPage() {
  const overview = useData<Overview>('/overview', 30);
  return (
    <Page title="Fleet overview" name="Fleet overview" lead={overview.data !== undefined && <>As of <Time at={overview.data.at} exact /></>}>
      <Answer of={overview}>{(data) => <Standing data={data} />}</Answer>
    </Page>
  );
}

function Standing({ data }: { data: Overview }) {
  const soonest = useData<CertificateList>('/certificates?limit=8');
  const { fleet, hostOutcomes, certificates } = data;
  const running = data.runs.filter(({ finishedAt }) => finishedAt === null);
  return (
    <>
      <Section title="Hosts by their worst control" aside={<span class="soft">{countOf(fleet.hosts, 'host')}</span>}>
        <OutcomeShares counts={hostOutcomes} />
        <ul class="figures">
          {OUTCOMES.map((outcome) => (
            <li key={outcome}>
              <a href={hrefOf('/hosts', {}, { outcome })}>
                <span class={hostOutcomes[outcome] === 0 ? 'figure soft' : 'figure'}>{hostOutcomes[outcome].toLocaleString('en')}</span>
                <span class="figure-name"><span class={`key ground-${outcome}`} aria-hidden="true" />{OUTCOME_WORDS[outcome]}</span>
              </a>
            </li>
          ))}
          <li>
            <a href="/hosts?outcome=unchecked">
              <span class={hostOutcomes.unchecked === 0 ? 'figure soft' : 'figure'}>{hostOutcomes.unchecked.toLocaleString('en')}</span>
              <span class="figure-name"><span class="key ground-neutral" aria-hidden="true" />unchecked</span>
            </a>
          </li>
        </ul>
      </Section>

      {data.history.map((series) => <History key={`${series.schedule ?? ''} ${series.profile}`} series={series} />)}

      <div class="columns">
        <Section title="Inventory">
          <Bars bars={[
            { name: 'fresh', value: fleet.fresh, ground: 'pass', href: '/hosts?state=fresh' },
            { name: 'stale', value: fleet.stale, ground: 'waived', href: '/hosts?state=stale' },
            { name: 'error', value: fleet.error, ground: 'error', href: '/hosts?state=error' },
            { name: 'never read', value: fleet.never, ground: 'unreachable', href: '/hosts?state=never' },
          ]} />
          <p class="soft">
            {countOf(fleet.tokens, 'token')}, {countOf(fleet.keys, 'key')}, {countOf(fleet.modules, 'module')}, {countOf(fleet.sites, 'site')}.{' '}
            {fleet.pinTrouble > 0 ? <strong class="urgency-over">{countOf(fleet.pinTrouble, 'token')} with lost PIN tries. </strong> : 'No PIN tries lost. '}
            {fleet.writableModules > 0 ? <strong class="urgency-over">{countOf(fleet.writableModules, 'module')} not proven read-only. </strong> : 'Every module proven read-only. '}
            {fleet.sitesDown > 0 && <strong class="urgency-over">{countOf(fleet.sitesDown, 'site')} did not serve.</strong>}
          </p>
        </Section>
        <Section title="Certificates by days left" aside={<a href="/certificates">Calendar</a>}>
          <Bars bars={[
            { name: 'expired', value: certificates.expired, ground: 'fail' },
            { name: '7 days or less', value: certificates.week, ground: 'fail' },
            { name: '8 to 30 days', value: certificates.month, ground: 'error' },
            { name: '31 to 90 days', value: certificates.quarter, ground: 'waived' },
            { name: 'more', value: certificates.later, ground: 'pass' },
          ]} />
        </Section>
      </div>

      <Section title="Worst controls" aside={<a href="/controls">All controls</a>}>
        <Table
          label="Worst controls" noun="control" rows={data.failingControls} keyOf={({ id, profile, schedule }) => `${id} ${profile} ${schedule ?? ''}`}
          empty="Every control is met or waived."
          columns={[
            { id: 'control', title: 'Control', cell: ({ id, title }) => <a href={hrefOf('/controls/:control', { control: id })}>{title}</a> },
            { id: 'severity', title: 'Severity', cell: ({ severity }) => <SeverityBadge severity={severity} /> },
            ...(['fail', 'error', 'unreachable', 'waived'] as const).map((outcome) => ({
              id: outcome, title: OUTCOME_WORDS[outcome], end: true, sort: (row: Overview['failingControls'][number]) => row.counts[outcome],
              empty: (row: Overview['failingControls'][number]) => row.counts[outcome] === 0,
              cell: (row: Overview['failingControls'][number]) => row.counts[outcome],
            })),
          ]}
        />
      </Section>

      <div class="columns">
        <Section title="Certificates that end first" aside={<a href="/certificates">All</a>}>
          <Answer of={soonest}>{({ items }) => (
            <Table
              label="Certificates that end first" noun="certificate" rows={items} keyOf={({ host, sha256, token }) => `${host} ${token} ${sha256}`} empty="No certificate is known."
              columns={[
                { id: 'host', title: 'Host', cell: ({ host }) => <HostLink host={host} /> },
                { id: 'subject', title: 'Subject', cell: ({ subject }) => <Breakable text={subject} /> },
                { id: 'end', title: 'Ends', cell: ({ notAfter, daysLeft }) => <Expiry at={notAfter} daysLeft={daysLeft} /> },
              ]}
            />
          )}</Answer>
        </Section>
        <Section title="What changed">
          {data.changes.length === 0 ? <Empty>Nothing came or went.</Empty> : (
            <ul class="timeline">
              {data.changes.map(({ kind, at, host, control, message }, index) => (
                <li key={index}>
                  <span><OutcomeBadge outcome={kind === 'finding' ? 'fail' : 'pass'} /></span>
                  <span><HostLink host={host} />: <a href={hrefOf('/controls/:control', { control })}>{message}</a> <span class="soft">{kind === 'finding' ? 'found' : 'resolved'} <Time at={at} /></span></span>
                </li>
              ))}
            </ul>
          )}
        </Section>
      </div>

      <Section title={running.length > 0 ? `Runs, ${String(running.length)} under way` : 'Runs'} aside={<a href="/runs">All runs</a>}>
        <RunTable runs={data.runs} label="Newest runs" />
      </Section>
    </>
  );
}

/** Outcomes over time: what asks for attention on a scale of its own, since it is few beside what passes. */
function History({ series }: { series: OutcomeSeries }) {
  const [attention, rest] = useMemo(() => {
    const x = series.points.map(({ at }) => new Date(at).getTime() / 1000);
    const lines = (outcomes: readonly (keyof OutcomeSeries['points'][number]['counts'])[]): PlotData => ({
      x, time: true, xName: 'Check',
      lines: outcomes.map((outcome) => ({ name: OUTCOME_WORDS[outcome], colour: `--${outcome.replace('_', '-')}`, values: series.points.map(({ counts }) => counts[outcome]) })),
    });
    return [lines(['fail', 'error', 'unreachable', 'waived']), lines(['pass', 'not_applicable'])];
  }, [series]);
  const last = series.points.at(-1);
  return (
    <Section title={`${series.title} over time`} aside={<span class="soft">{series.schedule === null ? 'checks by people' : `schedule ${series.schedule}`}{last !== undefined && <>, <a href={hrefOf('/checks/:check', { check: last.check })}>last check</a> <Time at={last.at} /></>}</span>}>
      {last === undefined ? <Empty>No check yet.</Empty> : (
        <>
          <div class="columns">
            <div class="stack tight"><h3>Results that ask for attention</h3><Plot data={attention} /></div>
            <div class="stack tight"><h3>Results that pass or do not apply</h3><Plot data={rest} /></div>
          </div>
          <details>
            <summary>As a table</summary>
            <Table
              label={`${series.title} over time`} noun="check" pageSize={20} rows={[...series.points].reverse()} keyOf={({ check }) => check} empty=""
              columns={[
                { id: 'at', title: 'Check', cell: ({ check, at }) => <a href={hrefOf('/checks/:check', { check })}><Time at={at} exact /></a> },
                ...OUTCOMES.map((outcome) => ({
                  id: outcome, title: OUTCOME_WORDS[outcome], end: true, sort: ({ counts }: OutcomeSeries['points'][number]) => counts[outcome],
                  cell: ({ counts }: OutcomeSeries['points'][number]) => counts[outcome],
                })),
              ]}
            />
          </details>
        </>
      )}
    </Section>
  );
}
