import type { RunSummary } from '@hsmfleet/web-api/schemas';
import { MoreOf, useList } from '../api/use-list.tsx';
import { Answer } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { RunTable } from './run-table.tsx';

/** Every run, the newest first. */
export function RunsPage() {
  const runs = useList<RunSummary>('/runs?limit=200');
  return (
    <Page title="Runs" name="Runs">
      <Section title="Newest first">
        <Answer of={runs}>{({ items }) => <RunTable runs={items} label="Runs" rest={<MoreOf list={runs} noun="runs" />} />}</Answer>
      </Section>
    </Page>
  );
}
