import type { QueryAnswer, QueryList, QueryRequest, ViewList } from '@hsmfleet/web-api/schemas';
import { useRef, useState } from 'preact/hooks';
import { client, type ApiError } from '../api/client.ts';
import { toApiError, useData } from '../api/use-data.ts';
import { useQueryParameter } from '../routing/router.tsx';
import { Answer, Empty, ErrorNotice, Loading } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { countOf, durationOf } from '../ui/words.ts';
import { AnswerTable } from './answer-table.tsx';
import { asOfTime, insertAt } from './query-columns.ts';

const FIRST = `select host, label, not_after, days_left\nfrom certificates\nwhere days_left < 30\norder by not_after`;

/** Questions in SQL over the documented views, now or as of a day. */
export function QueryPage() {
  const [fromAddress, keepInAddress] = useQueryParameter('sql');
  const [asOf, setAsOf] = useQueryParameter('as_of');
  const [sql, setSql] = useState(fromAddress === '' ? FIRST : fromAddress);
  const [answer, setAnswer] = useState<QueryAnswer | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const editor = useRef<HTMLTextAreaElement>(null);

  const request = (): QueryRequest => {
    const time = asOfTime(asOf);
    return { sql, ...(time === undefined ? {} : { asOf: time }) };
  };
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (caught) {
      setError(toApiError(caught));
    } finally {
      setBusy(false);
    }
  };
  const ask = (): Promise<void> => attempt(async () => {
    setAnswer(await client.send<QueryAnswer>('POST', '/query', request()));
    keepInAddress(sql);
  });
  const download = (): Promise<void> => attempt(async () => save(await client.download('/query', { ...request(), maxRows: 10_000 }, 'text/csv'), 'query.csv'));
  const put = (name: string): void => {
    const field = editor.current;
    if (field === null) return;
    const { text, cursor } = insertAt(sql, field.selectionStart, field.selectionEnd, name);
    setSql(text);
    requestAnimationFrame(() => {
      field.focus();
      field.setSelectionRange(cursor, cursor);
    });
  };

  return (
    <Page title="Query" name="Query" lead="One read-only SELECT statement over the views. Nothing that you write here changes anything.">
      <div class="query-grid">
        <div class="stack">
          <form class="card" aria-label="Query" onSubmit={(event) => { event.preventDefault(); void ask(); }}>
            <Named choose={setSql} />
            <div class="field">
              <label for="sql">SQL</label>
              <textarea id="sql" ref={editor} rows={8} spellcheck={false} autocapitalize="off" required value={sql} aria-describedby="sql-help"
                onInput={(event) => setSql(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
                  event.preventDefault();
                  void ask();
                }} />
              <p id="sql-help" class="soft small">Ctrl+Enter runs it.</p>
            </div>
            <div class="fields">
              <div class="field">
                <label for="as-of">As of the end of (empty: now)</label>
                <input id="as-of" type="date" value={asOf} onChange={(event) => setAsOf(event.currentTarget.value)} />
              </div>
              <div class="row">
                <button class="primary" disabled={busy}>Run</button>
                <button type="button" disabled={busy} onClick={() => void download()}>Download CSV</button>
              </div>
            </div>
          </form>
          {error !== undefined && <ErrorNotice error={error} />}
          <section class="card" aria-label="Answer">
            <div class="row apart">
              <h2>Answer</h2>
              <span class="soft small" role="status">{answer !== undefined && !busy && `${countOf(answer.rows.length, 'row')}${answer.truncated ? ', and there are more' : ''}, ${durationOf(answer.elapsedMs)}`}</span>
            </div>
            {busy ? <Loading what="Asking" /> : answer === undefined ? <Empty>Run a query to see its rows here.</Empty> : <AnswerTable answer={answer} />}
          </section>
        </div>
        <Section title="Views"><Views put={put} /></Section>
      </div>
    </Page>
  );
}

/** Queries that ship with hsmfleet, to begin from. */
function Named({ choose }: { choose(sql: string): void }) {
  const queries = useData<QueryList>('/queries');
  const [name, setName] = useState('');
  const items = queries.data?.items ?? [];
  const chosen = items.find((query) => query.name === name);
  if (items.length === 0) return null;
  return (
    <div class="field">
      <label for="named">Begin with a named query</label>
      <select id="named" value={name} onChange={(event) => {
        setName(event.currentTarget.value);
        const query = items.find((item) => item.name === event.currentTarget.value);
        if (query !== undefined) choose(query.sql);
      }}>
        <option value="">none</option>
        {items.map((query) => <option key={query.name} value={query.name}>{query.name}</option>)}
      </select>
      {chosen !== undefined && <p class="soft small">{chosen.description}</p>}
    </div>
  );
}

/** The documented views; a name that is chosen is put into the query. */
function Views({ put }: { put(name: string): void }) {
  const views = useData<ViewList>('/views');
  return (
    <Answer of={views}>{({ items }) => (
      <div class="view-list" role="region" aria-label="Views and their columns" tabIndex={0}>
        {items.map(({ name, description, columns }) => (
          <details key={name}>
            <summary><code>{name}</code></summary>
            <p class="soft small">{description}. <button type="button" class="link" onClick={() => put(name)}>Put {name} into the query</button></p>
            <ul>
              {columns.map((column) => (
                <li key={column.name}>
                  <button type="button" class="link mono" onClick={() => put(column.name)}>{column.name}</button> <span class="soft small">{column.type}: {column.description}</span>
                </li>
              ))}
            </ul>
          </details>
        ))}
      </div>
    )}</Answer>
  );
}

/** Hands a file to the reader. */
function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
