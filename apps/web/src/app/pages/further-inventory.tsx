import type { QueryAnswer, ViewDescription, ViewList } from '@hsmfleet/web-api/schemas';
import { useEffect, useState } from 'preact/hooks';
import { client, type ApiError } from '../api/client.ts';
import { toApiError, useData } from '../api/use-data.ts';
import { Empty, ErrorNotice, Loading } from '../ui/notice.tsx';
import { Facts, Section } from '../ui/page.tsx';
import { AnswerTable } from './answer-table.tsx';

/** Views of the inventory that the page has no table of its own for; those that the server has are offered. */
const VIEWS = ['web_servers', 'pin_files', 'pin_entries', 'nss_databases', 'nss_files', 'card_services', 'agents', 'token_sightings'];

/** The rest of the inventory, view by view: asked for when the reader opens one. */
export function FurtherInventory({ host }: { host: string }) {
  const views = useData<ViewList>('/views');
  const offered = (views.data?.items ?? []).filter(({ name }) => VIEWS.includes(name));
  if (offered.length === 0) return null;
  return (
    <Section title="Further inventory">
      {offered.map((view) => <ViewOfHost key={view.name} view={view} host={host} />)}
    </Section>
  );
}

function ViewOfHost({ view: { name, description }, host }: { view: ViewDescription; host: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary><code>{name}</code> <span class="soft small">{description}</span></summary>
      {open && <Rows view={name} host={host} />}
    </details>
  );
}

function Rows({ view, host }: { view: string; host: string }) {
  const [answer, setAnswer] = useState<QueryAnswer | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    client.send<QueryAnswer>('POST', '/query', { sql: rowsOfHost(view, host) }, abort.signal).then(setAnswer, (caught: unknown) => {
      if (!abort.signal.aborted) setError(toApiError(caught));
    });
    return () => abort.abort();
  }, [view, host]);
  if (error !== undefined) return <ErrorNotice error={error} />;
  if (answer === undefined) return <Loading />;
  const [first, ...others] = answer.rows;
  if (first === undefined) return <Empty>Nothing was found.</Empty>;
  // of a single row of many columns, names and values are easier to read than a table
  if (others.length === 0) return <Facts facts={answer.columns.map((name, index) => [name, first[index]] as const)} />;
  return <AnswerTable answer={answer} label={`Rows of ${view}`} />;
}

/** The statement that asks a view for the rows of a host; a quote in the name is doubled, as SQL wants it. */
export function rowsOfHost(view: string, host: string): string {
  return `select * from ${view} where host = '${host.replaceAll("'", "''")}'`;
}
