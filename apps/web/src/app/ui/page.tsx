import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

/** Head of a page: the document's title, where it belongs, its heading. The heading takes the focus after a change of page. */
export function Page({ title, name, within, lead, children }: {
  title: ComponentChildren;
  /** The title in plain words, for the window. */
  name: string;
  within?: { href: string; name: string };
  lead?: ComponentChildren;
  children: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${name} – hsmfleet`;
  }, [name]);
  return (
    <>
      <header class="page-head">
        {within !== undefined && <nav class="crumbs" aria-label="Breadcrumb"><a href={within.href}>{within.name}</a></nav>}
        <h1 tabIndex={-1}>{title}</h1>
        {lead !== undefined && <div class="soft">{lead}</div>}
      </header>
      <div class="stack">{children}</div>
    </>
  );
}

/** A part of a page with a heading, on its own ground. */
export function Section({ title, aside, children, id }: { title: string; aside?: ComponentChildren; children: ComponentChildren; id?: string }) {
  return (
    <section class="card" aria-label={title} id={id}>
      <div class="row apart">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Names and values, one below the other or, where they are short, side by side. What is null is left out. */
export function Facts({ facts, across = false }: { facts: readonly (readonly [string, ComponentChildren])[]; across?: boolean }) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  if (across) return <dl class="facts across">{known.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
  return <dl class="facts">{known.flatMap(([name, value]) => [<dt key={`${name}:`}>{name}</dt>, <dd key={name}>{value}</dd>])}</dl>;
}
