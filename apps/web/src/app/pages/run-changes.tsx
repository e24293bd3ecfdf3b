import type { RunHostDetail } from '@hsmfleet/web-api/schemas';
import { useState } from 'preact/hooks';
import { useData } from '../api/use-data.ts';
import { hrefOf } from '../routing/match-path.ts';
import { Answer, Empty } from '../ui/notice.tsx';
import { TaskList } from './task-list.tsx';
import type { ShownHost } from './live-run.ts';

/** Hosts whose changes are open when the page is. */
const OPEN_AT_ONCE = 3;
/** Hosts listed at first. */
const SHOWN = 25;

/** What a run changed, host by host, with diffs; those of later hosts are asked for when the reader opens them. */
export function RunChanges({ run, hosts, check }: { run: string; hosts: readonly ShownHost[]; check: boolean }) {
  const [shown, setShown] = useState(SHOWN);
  if (hosts.length === 0) return <Empty>{check ? 'There was nothing to change.' : 'Nothing was changed.'}</Empty>;
  return (
    <>
      {hosts.slice(0, shown).map(({ host }, index) => <HostChanges key={host} run={run} host={host} open={index < OPEN_AT_ONCE} />)}
      {hosts.length > shown && <div><button type="button" onClick={() => setShown(shown + SHOWN)}>Show more of {hosts.length} hosts</button></div>}
    </>
  );
}

/** What a run did on one host. */
export function HostChanges({ run, host, open: openAtFirst }: { run: string; host: string; open: boolean }) {
  const [open, setOpen] = useState(openAtFirst);
  return (
    <details open={openAtFirst} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary><strong>{host}</strong></summary>
      {open && <Tasks run={run} host={host} />}
    </details>
  );
}

/** The tasks that did something, with their diffs. */
export function Tasks({ run, host }: { run: string; host: string }) {
  const detail = useData<RunHostDetail>(hrefOf('/runs/:run/hosts/:host', { run, host }));
  return <Answer of={detail}>{({ tasks }) => <TaskList tasks={tasks.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'skipped')} empty="Nothing was changed." />}</Answer>;
}
