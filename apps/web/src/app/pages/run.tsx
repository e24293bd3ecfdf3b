import type { RunDetail } from '@hsmfleet/web-api/schemas';
import { useEffect, useMemo } from 'preact/hooks';
import { useData } from '../api/use-data.ts';
import { useLiveRun } from '../api/use-live-run.ts';
import { hrefOf, type PathParameters } from '../routing/match-path.ts';
import { Breakable } from '../ui/breakable.tsx';
import { RunBadge } from '../ui/marks.tsx';
import { Answer, Empty } from '../ui/notice.tsx';
import { Facts, Page, Section } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { countOf, durationOf } from '../ui/words.ts';
import { RunChanges } from './run-changes.tsx';
import { mergeHosts, type LiveRun, type ShownHost } from './live-run.ts';
import { statusOf } from './run-table.tsx';

const STREAM_WORDS = { off: '', connecting: 'connecting …', open: 'live', lost: 'connection lost, trying again …', over: 'finished' } as const;

/** A run by host; while it goes on, as it goes on. */
export function RunPage({ parameters }: { parameters: PathParameters }) {
  const id = parameters['run'] ?? '';
  const run = useData<RunDetail>(hrefOf('/runs/:run', { run: id }));
  const { live, stream } = useLiveRun(id, run.data?.live === true);
  // the end is in the store as well, with what events do not say
  useEffect(() => {
    if (live.finished) run.reload();
  }, [live.finished]);
  const name = run.data?.run.playbook ?? 'Run';
  return (
    <Page title={name} name={name} within={{ href: '/runs', name: 'Runs' }}
      lead={run.data !== undefined && <span class="row"><RunBadge status={live.finished ? statusOf({ finishedAt: '', exitCode: live.exitCode }) : statusOf(run.data.run)} /> {run.data.run.check && <span>check mode</span>} <span>started <Time at={run.data.run.startedAt} exact /></span></span>}>
      <Answer of={run}>{(data) => <Going data={data} live={live} stream={data.live || stream === 'over' ? STREAM_WORDS[stream] : ''} />}</Answer>
    </Page>
  );
}

function Going({ data, live, stream }: { data: RunDetail; live: LiveRun; stream: string }) {
  const { run } = data;
  const hosts = useMemo(() => mergeHosts(data.hosts, data.live ? live : { ...live, hosts: new Map() }), [data, live]);
  const size = Math.max(hosts.length, live.size ?? run.hosts);
  const done = hosts.filter(({ status }) => status !== 'running').length;
  return (
    <>
      <Section title="Progress" aside={stream !== '' && <span class="soft small" role="status">{stream}</span>}>
        <div class="stack tight">
          <progress class="progress" max={Math.max(1, size)} value={done} aria-label="Hosts that are done" />
          <p>{done} of {countOf(size, 'host')} done{live.play !== null && data.live && <span class="soft">, in play “{live.play}”</span>}</p>
        </div>
        <Facts across facts={[
          ['Run', <code>{run.id}</code>],
          ['By', run.user],
          ['Took', data.durationMs === null ? null : durationOf(data.durationMs)],
          ['Changed', countOf(hosts.reduce((sum, { changed }) => sum + changed, 0), 'task')],
          ['Failed', countOf(hosts.filter(({ status }) => status === 'failed' || status === 'refused' || status === 'unreachable').length, 'host')],
          ['Exit code', run.exitCode],
          ['Program', `hsmfleet ${data.version}`],
        ]} />
        {live.log.length > 0 && <Log log={live.log} />}
      </Section>
      <Section title="Hosts"><HostTable run={run.id} hosts={hosts} live={data.live} /></Section>
      {!data.live && <Section title="What was changed"><RunChanges run={run.id} hosts={hosts.filter(({ changed, failed }) => changed + failed > 0)} check={run.check} /></Section>}
    </>
  );
}

function Log({ log }: { log: LiveRun['log'] }) {
  return (
    <div class="stack tight">
      <h3>As it goes</h3>
      <ul class="timeline log" aria-live="off">
        {log.slice(0, 20).map(({ at, host, text, tone }, index) => (
          <li key={`${at} ${String(log.length - index)}`} class={`tone-${tone}`}><time datetime={at} class="soft mono">{at.slice(11, 19)}</time><span><strong>{host === '' ? 'run' : host}</strong> {text}</span></li>
        ))}
      </ul>
    </div>
  );
}

const STATUSES = ['failed', 'refused', 'unreachable', 'stopped', 'running', 'ok'] as const;

function HostTable({ run, hosts, live }: { run: string; hosts: readonly ShownHost[]; live: boolean }) {
  if (hosts.length === 0) return <Empty>No host has answered yet.</Empty>;
  return (
    <Table
      label="Hosts" noun="host" rows={hosts} keyOf={({ host }) => host} order={{ column: 'status', direction: 'ascending' }} empty=""
      columns={[
        { id: 'host', title: 'Host', sort: ({ host }) => host, cell: ({ host }) => <a href={hrefOf('/runs/:run/hosts/:host', { run, host })}><Breakable text={host} /></a> },
        { id: 'status', title: 'Status', sort: ({ status }) => STATUSES.indexOf(status), cell: ({ status }) => <RunBadge status={status} /> },
        { id: 'now', title: live ? 'Now' : 'Why', empty: ({ now, error }) => now === null && error === null, cell: ({ now, error }) => (now !== null ? <span class="soft">{now}</span> : (error ?? '')) },
        { id: 'ended', title: 'Tasks', end: true, sort: ({ ended }) => ended, cell: ({ ended }) => ended },
        { id: 'changed', title: 'Changed', end: true, sort: ({ changed }) => changed, cell: ({ changed }) => changed },
        { id: 'failed', title: 'Failed', end: true, sort: ({ failed }) => failed, cell: ({ failed }) => (failed > 0 ? <strong class="urgency-over">{failed}</strong> : 0) },
      ]}
    />
  );
}
