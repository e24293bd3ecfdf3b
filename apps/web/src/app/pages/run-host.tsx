import type { RunHostDetail } from '@hsmfleet/web-api/schemas';
import { useState } from 'preact/hooks';
import { useData } from '../api/use-data.ts';
import { hrefOf, type PathParameters } from '../routing/match-path.ts';
import { Breakable } from '../ui/breakable.tsx';
import { RunBadge } from '../ui/marks.tsx';
import { Answer } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { countOf } from '../ui/words.ts';
import { TaskList } from './task-list.tsx';

/** Every task of a run on one host. */
export function RunHostPage({ parameters }: { parameters: PathParameters }) {
  const [run, host] = [parameters['run'] ?? '', parameters['host'] ?? ''];
  const detail = useData<RunHostDetail>(hrefOf('/runs/:run/hosts/:host', { run, host }));
  const [all, setAll] = useState(true);
  const playbook = detail.data?.run.playbook ?? 'run';
  return (
    <Page title={<><Breakable text={host} /><span class="soft"> in {playbook}</span></>} name={`${host} in ${playbook}`} within={{ href: hrefOf('/runs/:run', { run }), name: playbook }}
      lead={detail.data !== undefined && <span class="row"><RunBadge status={detail.data.host.status} /> <span><Time at={detail.data.run.startedAt} exact /></span> <a href={hrefOf('/hosts/:host', { host })}>What is known of {host}</a></span>}>
      <Answer of={detail}>{({ host: ended, tasks }) => (
        <>
          {ended.error !== null && <div class="notice fail"><strong>{ended.error}</strong></div>}
          <Section title={countOf(tasks.length, 'task')} aside={<label class="row"><input type="checkbox" checked={!all} onChange={(event) => setAll(!event.currentTarget.checked)} /> only those that did something</label>}>
            <TaskList tasks={all ? tasks : tasks.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'skipped')} empty="No task is like that." />
          </Section>
        </>
      )}</Answer>
    </Page>
  );
}
