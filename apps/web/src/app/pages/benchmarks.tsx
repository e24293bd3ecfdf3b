import type { BenchmarkPoint } from '@hsmfleet/contract/schemas';
import type { BenchmarkList } from '@hsmfleet/web-api/schemas';
import { useMemo } from 'preact/hooks';
import { useData } from '../api/use-data.ts';
import { Breakable, HostLink } from '../ui/breakable.tsx';
import { Answer, Empty } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { Plot, type PlotData } from '../ui/plot.tsx';
import { Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { keyName, loadOf, ratePlots, type RatePlot } from './benchmark-series.ts';

const COLOURS = ['--accent', '--fail', '--pass', '--waived', '--error', '--unreachable'];

/** What sites serve and keys sign, where it was measured. */
export function BenchmarksPage() {
  const points = useData<BenchmarkList>('/benchmarks');
  return (
    <Page title="Benchmarks" name="Benchmarks">
      <Answer of={points}>{({ items }) => (items.length === 0
        ? <Empty>Nothing was measured yet: hsmfleet bench run -i hosts.yml</Empty>
        : <><Plots points={items} /><Points points={items} /></>)}</Answer>
    </Page>
  );
}

function Plots({ points }: { points: readonly BenchmarkPoint[] }) {
  const plots = useMemo(() => ratePlots(points), [points]);
  return <div class="columns">{plots.map((plot) => <RateSection key={`${plot.kind} ${plot.host}`} plot={plot} />)}</div>;
}

function RateSection({ plot }: { plot: RatePlot }) {
  const data = useMemo<PlotData>(() => ({
    x: plot.x, time: false, xName: plot.kind === 'siege' ? 'Users' : 'Sessions',
    lines: plot.lines.map(({ name, values }, index) => ({ name, values, points: true, colour: COLOURS[index % COLOURS.length] as string })),
  }), [plot]);
  return (
    <Section title={plot.kind === 'siege' ? `${plot.host}: requests per second` : `${plot.host}: signatures per second`} aside={<span class="soft">by {data.xName.toLowerCase()} at the same time</span>}>
      <Plot data={data} height={240} />
    </Section>
  );
}

function Points({ points }: { points: readonly BenchmarkPoint[] }) {
  return (
    <Section title="Every point">
      <Table
        label="Benchmark points" noun="point" rows={points} keyOf={(point) => `${point.kind} ${point.host} ${point.at}`} order={{ column: 'at', direction: 'descending' }} empty=""
        columns={[
          { id: 'host', title: 'Host', sort: ({ host }) => host, cell: ({ host }) => <HostLink host={host} /> },
          { id: 'what', title: 'What', sort: (point) => point.kind, cell: (point) => (point.kind === 'siege' ? <><Breakable text={`${point.site}:${String(point.port)}`} />, {point.resumption}</> : <><Breakable text={point.token} />, {point.algorithm}</>) },
          { id: 'key', title: 'Key', sort: keyName, cell: keyName },
          { id: 'load', title: 'At once', end: true, sort: loadOf, cell: loadOf },
          { id: 'rate', title: 'Per second', end: true, sort: ({ rate }) => rate, cell: ({ rate }) => rate.toFixed(1) },
          { id: 'failed', title: 'Failed', end: true, sort: ({ failed }) => failed, cell: ({ failed }) => failed },
          { id: 'outcome', title: 'Outcome', sort: ({ outcome }) => outcome, cell: ({ outcome, problem }) => (outcome === 'measured' ? outcome : <span class="urgency-over">{outcome}: {problem}</span>) },
          { id: 'at', title: 'Measured', sort: ({ at }) => at, cell: ({ at }) => <Time at={at} /> },
        ]}
      />
    </Section>
  );
}
