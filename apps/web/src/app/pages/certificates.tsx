import type { CertificateList } from '@hsmfleet/web-api/schemas';
import { useList, MoreOf } from '../api/use-list.tsx';
import { useData } from '../api/use-data.ts';
import { hrefOf } from '../routing/match-path.ts';
import { useQueryParameter } from '../routing/router.tsx';
import { Breakable, HostLink } from '../ui/breakable.tsx';
import { FlagBadge } from '../ui/marks.tsx';
import { Answer } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { Expiry } from '../ui/time.tsx';
import { countOf, dayOf, urgencyOf } from '../ui/words.ts';
import { monthGrid, monthOf, shiftMonth, type Month } from './month-grid.ts';

type Certificate = CertificateList['items'][number];
const MONTHS = 12;

/** When certificates end: by month, and as a list. */
export function CertificatesPage() {
  const today = new Date().toISOString();
  const [first, setFirst] = useQueryParameter('month');
  const month = /^\d{4}-\d{2}$/.test(first) ? first : monthOf(today);
  const calendar = useData<CertificateList>(hrefOf('/certificates', {}, { from: `${month}-01`, to: `${shiftMonth(month, MONTHS)}-01`, limit: '1' }));
  return (
    <Page title="Certificates" name="Certificates">
      <Section title="Calendar" aside={(
        <div class="row">
          <button type="button" onClick={() => setFirst(shiftMonth(month, -MONTHS))}>Earlier</button>
          <button type="button" disabled={month === monthOf(today)} onClick={() => setFirst('')}>Today</button>
          <button type="button" onClick={() => setFirst(shiftMonth(month, MONTHS))}>Later</button>
        </div>
      )}>
        <Answer of={calendar}>{({ days }) => (
          <ol class="months">
            {monthGrid(days, month, MONTHS).map((one) => <MonthView key={one.month} month={one} first={first} today={today} />)}
          </ol>
        )}</Answer>
      </Section>
      <CertificateTable />
    </Page>
  );
}

/** A month: days on which certificates end lead to them. */
function MonthView({ month: { month, name, firstWeekday, days, count }, first, today }: { month: Month; first: string; today: string }) {
  return (
    <li class={count === 0 ? 'month empty' : 'month'}>
      <div class="row apart">
        <h3>{name}</h3>
        {count === 0 ? <span class="soft small">nothing ends</span> : <a class="small" href={hrefOf('/certificates', {}, { month: first, from: `${month}-01`, to: `${shiftMonth(month, 1)}-01` })}>{count}<span class="unseen"> {count === 1 ? 'certificate' : 'certificates'} in {name}</span></a>}
      </div>
      <div class="days">
        {days.map(({ day, count: ends }, index) => {
          const place = index === 0 ? { gridColumnStart: firstWeekday } : undefined;
          const number = Number(day.slice(8));
          if (ends === 0) return <span key={day} style={place} class={day === dayOf(today) ? 'today' : undefined}>{number}</span>;
          return (
            <a key={day} style={place} class={`ends-${urgencyOf(daysUntil(day, today))}`} href={hrefOf('/certificates', {}, { month: first, from: day, to: nextDay(day) })} title={`${day}: ${countOf(ends, 'certificate')}`}>
              {number}<span class="unseen">: </span><span class="count">{ends}<span class="unseen"> {ends === 1 ? 'certificate' : 'certificates'}</span></span>
            </a>
          );
        })}
      </div>
    </li>
  );
}

function daysUntil(day: string, today: string): number {
  return Math.floor((new Date(day).getTime() - new Date(dayOf(today)).getTime()) / 86_400_000);
}

function nextDay(day: string): string {
  return dayOf(new Date(new Date(day).getTime() + 86_400_000).toISOString());
}

/** Certificates of the chosen days, or all, those that end first before the others. */
function CertificateTable() {
  const [search, setSearch] = useQueryParameter('search');
  const [from] = useQueryParameter('from');
  const [to] = useQueryParameter('to');
  const [month] = useQueryParameter('month');
  const list = useList<Certificate>(hrefOf('/certificates', {}, { from, to, search, limit: '200' }));
  return (
    <Section
      title={from === '' ? 'Those that end first' : nextDay(from) === to ? `Those that end on ${from}` : `Those that end from ${from} to before ${to}`}
      aside={from !== '' && <a href={hrefOf('/certificates', {}, { month, search })}>All certificates</a>}
    >
      <div class="fields">
        <div class="field">
          <label for="search">Host, subject or label</label>
          <input id="search" type="search" value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
        </div>
      </div>
      <Answer of={list}>{({ items }) => (
        <Table
          label="Certificates" noun="certificate" rows={items} keyOf={({ host, token, id, sha256 }) => `${host} ${token} ${id} ${sha256}`} empty="No certificate is like that." rest={<MoreOf list={list} noun="certificates" />}
          columns={[
            { id: 'subject', title: 'Subject', sort: ({ subject }) => subject, cell: ({ subject }) => <Breakable text={subject} /> },
            { id: 'host', title: 'Host', sort: ({ host }) => host, cell: ({ host }) => <HostLink host={host} /> },
            { id: 'end', title: 'Ends', sort: ({ notAfter }) => notAfter, cell: ({ notAfter, daysLeft }) => <Expiry at={notAfter} daysLeft={daysLeft} /> },
            { id: 'key', title: 'Matches its key', sort: ({ matchesKey }) => (matchesKey === null ? null : Number(matchesKey)), cell: ({ matchesKey }) => <FlagBadge flag={matchesKey} /> },
            { id: 'sites', title: 'Served by', sort: ({ sites }) => sites[0], empty: ({ sites }) => sites.length === 0, cell: ({ sites }) => (sites.length === 0 ? <span class="soft">nothing</span> : <Breakable text={sites.join(', ')} />) },
            { id: 'token', title: 'Token', sort: ({ token }) => token, cell: ({ token, label }) => <><Breakable text={token} /> <span class="soft small">{label}</span></> },
            { id: 'issuer', title: 'Issuer', sort: ({ issuer }) => issuer, cell: ({ issuer }) => <span class="small"><Breakable text={issuer} /></span> },
          ]}
        />
      )}</Answer>
    </Section>
  );
}
