import type { HostList } from '@hsmfleet/web-api/schemas';
import { useEffect, useState } from 'preact/hooks';
import { useData } from '../api/use-data.ts';
import { hrefOf } from '../routing/match-path.ts';
import { useQueryParameter } from '../routing/router.tsx';
import { HostLink } from '../ui/breakable.tsx';
import { OutcomeBadge, OUTCOMES, OUTCOME_WORDS, PinBadge, ReadOnlyBadge, RunBadge, StateBadge } from '../ui/marks.tsx';
import { Answer } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import type { Order } from '../ui/order-rows.ts';
import { Table } from '../ui/table.tsx';
import { Expiry, Time } from '../ui/time.tsx';
import { countOf } from '../ui/words.ts';

/** Hosts on a page. */
const PAGE = 50;

const STATES = ['fresh', 'stale', 'error', 'never'] as const;

/** Every host, with what it takes to find the one that is looked for. */
export function HostsPage() {
  const [search, setSearch] = useQueryParameter('search');
  const [state, setState] = useQueryParameter('state');
  const [outcome, setOutcome] = useQueryParameter('outcome');
  const [order, setOrder] = useState<Order>({ column: 'host', direction: 'ascending' });
  const filter = `${search} ${state} ${outcome} ${order.column} ${order.direction}`;
  // where each page begins that was turned to; another filter or order begins anew
  const [turned, setTurned] = useState<{ filter: string; after: string[] }>({ filter, after: [] });
  const after = turned.filter === filter ? turned.after : [];
  const hosts = useData<HostList>(hrefOf('/hosts', {}, { search, state, outcome, sort: order.column, order: order.direction === 'ascending' ? 'asc' : 'desc', limit: String(PAGE), after: after.at(-1) }));
  const turn = (page: number): void => {
    const next = hosts.data?.next ?? null;
    if (page < after.length) setTurned({ filter, after: after.slice(0, page) });
    else if (next !== null) setTurned({ filter, after: [...after, next] });
  };
  return (
    <Page title="Hosts" name="Hosts">
      <form class="card" role="search" aria-label="Hosts" onSubmit={(event) => event.preventDefault()}>
        <div class="fields">
          <SearchField value={search} change={setSearch} />
          <div class="field">
            <label for="state">Inventory</label>
            <select id="state" value={state} onChange={(event) => setState(event.currentTarget.value)}>
              <option value="">any</option>
              {STATES.map((name) => <option key={name} value={name}>{name}</option>)}
            </select>
          </div>
          <div class="field">
            <label for="outcome">Worst control</label>
            <select id="outcome" value={outcome} onChange={(event) => setOutcome(event.currentTarget.value)}>
              <option value="">any</option>
              {OUTCOMES.map((name) => <option key={name} value={name}>{OUTCOME_WORDS[name]}</option>)}
              <option value="unchecked">unchecked</option>
            </select>
          </div>
        </div>
      </form>
      <section class="card" aria-label="Found hosts" aria-busy={hosts.loading}>
        <Answer of={hosts}>{({ items, total }) => (
          <>
            <h2 aria-live="polite">{countOf(total, 'host')}</h2>
            <Table
              label="Hosts" noun="host" rows={items} keyOf={({ host }) => host} remote={{ total, page: after.length, pageSize: PAGE, order, setOrder, setPage: turn }}
              empty={search + state + outcome === '' ? 'No run has named a host yet: hsmfleet inventory -i hosts.yml' : 'No host is like that.'}
              columns={[
                { id: 'host', title: 'Host', sort: ({ host }) => host, cell: ({ host }) => <HostLink host={host} /> },
                { id: 'outcome', title: 'Outcome', sort: ({ outcome: worst }) => worst, cell: ({ outcome: worst, failing }) => <><OutcomeBadge outcome={worst} />{failing > 1 && <span class="soft small nowrap"> {failing} controls</span>}</> },
                { id: 'state', title: 'Inventory', sort: ({ state: now }) => now, cell: ({ state: now, collectedAt, problem }) => <span title={problem ?? undefined}><StateBadge state={now} /> {collectedAt !== null && <span class="soft small nowrap"><Time at={collectedAt} /></span>}</span> },
                { id: 'system', title: 'System', cell: ({ distribution, distributionVersion }) => `${distribution ?? ''} ${distributionVersion ?? ''}` },
                { id: 'modules', title: 'Modules', cell: ({ readOnly }) => <ReadOnlyBadge verdict={readOnly} /> },
                { id: 'pin', title: 'PIN', cell: ({ pinState }) => <PinBadge state={pinState} /> },
                { id: 'expiry', title: 'Next expiry', sort: ({ nextExpiry }) => nextExpiry, empty: ({ nextExpiry }) => nextExpiry === null, cell: ({ nextExpiry }) => nextExpiry !== null && <Expiry at={nextExpiry} daysLeft={Math.floor((new Date(nextExpiry).getTime() - Date.now()) / 86_400_000)} /> },
                { id: 'sites', title: 'Sites', end: true, cell: ({ sites, sitesServing }) => <span class={sitesServing < sites ? 'urgency-over nowrap' : 'nowrap'}>{sitesServing} of {sites}</span> },
                { id: 'run', title: 'Last run', empty: ({ lastRun }) => lastRun === null, cell: ({ host, lastRun, lastStatus }) => lastRun !== null && lastStatus !== null && <a href={hrefOf('/runs/:run/hosts/:host', { run: lastRun, host })}><RunBadge status={lastStatus} /></a> },
              ]}
            />
          </>
        )}</Answer>
      </section>
    </Page>
  );
}

/** The text is looked for when the reader pauses. */
function SearchField({ value, change }: { value: string; change(value: string): void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => change(text), 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="field">
      <label for="search">Name, system or address</label>
      <input id="search" type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
    </div>
  );
}
