import { hrefOf } from '../routing/match-path.ts';

/** A long name, path or subject that may be broken after its dots, slashes and commas where there is little room, and nowhere else. */
export function Breakable({ text }: { text: string }) {
  return <>{breakPoints(text).flatMap((part, index) => (index === 0 ? [part] : [<wbr key={index} />, part]))}</>;
}

/** The parts between which a line may end. */
export function breakPoints(text: string): string[] {
  return text.split(/(?<=[./:,_@=-])(?=\w)/);
}

/** A host, leading to its page; its name may be broken after the first label only. */
export function HostLink({ host }: { host: string }) {
  const dot = host.indexOf('.') + 1;
  return <a href={hrefOf('/hosts/:host', { host })}>{host.slice(0, dot)}<wbr />{host.slice(dot)}</a>;
}
