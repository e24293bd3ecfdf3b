import type { BenchmarkKey, BenchmarkModule, BenchmarkPoint, SiegePoint, SignPoint } from '@hsmfleet/contract';

/** One condition under which points were measured. */
export interface Axis<P extends BenchmarkPoint> {
  id: AxisId;
  /** Heading of its column. */
  title: string;
  /** Equal for points with an equal condition. */
  identity(point: P): string;
  /** For people; different conditions may share a text: see {@link createNames}. */
  text(point: P): string;
  /** Tells equal texts apart. */
  detail?(point: P): string;
  /** Equal texts on different hosts need no details, since the host is told anyway. */
  ofHost?: true;
}

export type AxisId =
  | 'host' | 'key' | 'mpm' | 'module' | 'engine' | 'token' | 'site' | 'path' | 'tls' | 'driver' | 'tool' | 'wait' | 'seconds'
  | 'resumption' | 'day' | 'algorithm';

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** What kind of key it is: "RSA-2048", "EC P-256"; "unknown key" when nothing was served. */
export function describeKeyKind({ type, bits, curve }: BenchmarkKey): string {
  if (type === null) return 'unknown key';
  if (type === 'rsa') return bits === null ? 'RSA' : `RSA-${String(bits)}`;
  const size = curve === null ? bits : CURVES[curve] ?? curve;
  return [type.toUpperCase(), size].filter((part) => part !== null).join(' ');
}

function describeKey(key: BenchmarkKey): string {
  return key.label === null || key.label === '' ? describeKeyKind(key) : `${describeKeyKind(key)} (${key.label})`;
}

function describeModule(module: BenchmarkModule | null): string {
  if (module === null) return 'not known';
  const file = module.path.split('/').at(-1) ?? module.path;
  return [module.description === '' ? file : module.description, module.version].filter((part) => part !== '').join(' ');
}

function describeProcesses({ mpm, processes }: SiegePoint): string {
  if (mpm === null) return 'not known';
  if (mpm === 'prefork' || processes === null) return mpm;
  return processes === 1 ? `${mpm}, one process` : `${mpm}, up to ${String(processes)} processes`;
}

const keyIdentity = (key: BenchmarkKey): string => key.fingerprint ?? describeKey(key);
const moduleIdentity = (module: BenchmarkModule | null): string =>
  module === null ? '' : module.sha256 ?? [module.path, module.description, module.version].join('\n');

const plain = <P extends BenchmarkPoint>(id: AxisId, title: string, text: (point: P) => string): Axis<P> => ({ id, title, identity: text, text });
const host = plain<BenchmarkPoint>('host', 'Host', (point) => point.host);
const day = plain<BenchmarkPoint>('day', 'Date', (point) => new Date(point.at).toISOString().slice(0, 10));
const key: Axis<BenchmarkPoint> = {
  id: 'key', title: 'Key',
  identity: (point) => keyIdentity(point.key),
  text: (point) => describeKey(point.key),
  detail: (point) => point.key.fingerprint?.slice(0, 8) ?? 'not served',
  ofHost: true,
};
const module: Axis<BenchmarkPoint> = {
  id: 'module', title: 'Module',
  identity: (point) => moduleIdentity(point.module),
  text: (point) => describeModule(point.module),
  detail: (point) => point.module?.sha256?.slice(0, 8) ?? point.module?.path ?? '',
};
const token = plain<BenchmarkPoint>('token', 'Token', (point) => point.token ?? 'none');

/** Everything but the concurrency that tells points of load apart, the most telling first. Dates are days in UTC. */
export const SIEGE_AXES: readonly Axis<SiegePoint>[] = [
  host, key,
  {
    id: 'mpm', title: 'MPM', text: describeProcesses,
    identity: ({ mpm, processes }) => `${String(mpm)} ${mpm === 'prefork' ? '' : String(processes)}`,
  },
  module,
  plain('engine', 'TLS module', (point) => point.engine),
  token,
  plain('site', 'Site', (point) => `${point.site}:${String(point.port)}`),
  plain('path', 'URL path', (point) => point.path),
  plain('tls', 'TLS', (point) => point.tlsProtocol ?? 'not known'),
  plain('driver', 'Driven from', (point) => (point.driver === 'webserver' ? 'the webserver itself' : 'the control host')),
  plain('tool', 'Tool', (point) => point.tool),
  plain('wait', 'Wait', (point) => (point.delayS === 0 ? 'none' : `up to ${String(point.delayS)} s`)),
  plain('seconds', 'Asked for', (point) => `${String(point.seconds)} s`),
  plain('resumption', 'Handshakes', (point) => (point.resumption === 'full' ? 'full' : 'resumed')),
  day,
];

/** Everything but the number of sessions that tells signing points apart. */
export const SIGN_AXES: readonly Axis<SignPoint>[] = [
  host, key, module, token,
  plain('algorithm', 'Algorithm', (point) => point.algorithm),
  plain('seconds', 'Asked for', (point) => `${String(point.seconds)} s`),
  day,
];

/** The names by which a report speaks of conditions. */
export interface Names<P extends BenchmarkPoint> {
  /** Text of a condition, different for different conditions. */
  name(axis: Axis<P>, point: P): string;
  /** The conditions that are not the same in all points, in the order of the axes. */
  varying: readonly Axis<P>[];
  /** Those of {@link Names.varying} that do not follow from the ones before: a site that goes with its key says nothing. */
  telling: readonly Axis<P>[];
  /** The conditions that are. */
  constant: readonly Axis<P>[];
}

/** Finds texts that are clear within these points: details are added only where texts alone would be the same. */
export function createNames<P extends BenchmarkPoint>(axes: readonly Axis<P>[], points: readonly P[]): Names<P> {
  const texts = new Map<string, Map<string, string>>();
  const varying: Axis<P>[] = [];
  for (const axis of axes) {
    const byIdentity = new Map<string, P>();
    for (const point of points) if (!byIdentity.has(axis.identity(point))) byIdentity.set(axis.identity(point), point);
    const textOf = (point: P): string => JSON.stringify([axis.text(point), axis.ofHost === true ? point.host : '']);
    const shared = Map.groupBy(byIdentity.values(), textOf);
    const named = [...byIdentity].map(([identity, point]): [string, string] => {
      const text = axis.text(point);
      return [identity, (shared.get(textOf(point))?.length ?? 0) > 1 && axis.detail !== undefined ? `${text} [${axis.detail(point)}]` : text];
    });
    texts.set(axis.id, new Map(named));
    if (byIdentity.size > 1) varying.push(axis);
  }
  const telling: Axis<P>[] = [];
  for (const axis of varying) if (!follows(axis, telling, points)) telling.push(axis);
  return {
    varying, telling,
    constant: axes.filter((axis) => !varying.includes(axis)),
    name: (axis, point) => texts.get(axis.id)?.get(axis.identity(point)) ?? axis.text(point),
  };
}

/** Whether points that agree in all of the given conditions agree in this one too. */
function follows<P extends BenchmarkPoint>(axis: Axis<P>, from: readonly Axis<P>[], points: readonly P[]): boolean {
  if (from.length === 0) return false;
  const known = new Map<string, string>();
  return points.every((point) => {
    const given = JSON.stringify(from.map((one) => one.identity(point)));
    const identity = axis.identity(point);
    if (!known.has(given)) known.set(given, identity);
    return known.get(given) === identity;
  });
}
