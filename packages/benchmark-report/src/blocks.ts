import type { BlockContent, Heading, List, Paragraph, PhrasingContent, Table, TableCell, TableRow } from 'mdast';

/** A piece of a line: text, or text made bold. */
export type Inline = string | { strong: string } | { link: string; text: string };

/** Text made bold. */
export function strong(text: string): Inline {
  return { strong: text };
}

/** A link inside the document, or to a file beside it. */
export function link(url: string, text: string): Inline {
  return { link: url, text };
}

/** A heading; 1 is the title. */
export function heading(depth: 1 | 2 | 3 | 4, text: string): Heading {
  return { type: 'heading', depth, children: [{ type: 'text', value: text }] };
}

/** A paragraph. */
export function paragraph(...parts: readonly Inline[]): Paragraph {
  return { type: 'paragraph', children: parts.map(phrasing) };
}

/** A bulleted list. */
export function bullets(items: readonly (readonly Inline[])[]): List {
  return {
    type: 'list', ordered: false, spread: false,
    children: items.map((parts) => ({ type: 'listItem', spread: false, children: [paragraph(...parts)] })),
  };
}

/** A column of a table; numbers are aligned to the right. */
export interface Column {
  title: string;
  number?: boolean;
}

/** A table. */
export function table(columns: readonly Column[], rows: readonly (readonly Inline[])[]): Table {
  return {
    type: 'table',
    align: columns.map(({ number }) => (number === true ? 'right' : null)),
    children: [tableRow(columns.map(({ title }) => title)), ...rows.map(tableRow)],
  };
}

/** A picture that stands for a plot, by its id: each kind of document puts its own way of showing it there. */
export function picture(id: string, description: string): Paragraph {
  return { type: 'paragraph', children: [{ type: 'image', url: id, alt: description }] };
}

function tableRow(cells: readonly Inline[]): TableRow {
  return { type: 'tableRow', children: cells.map((cell): TableCell => ({ type: 'tableCell', children: [phrasing(cell)] })) };
}

function phrasing(part: Inline): PhrasingContent {
  if (typeof part === 'string') return { type: 'text', value: part };
  if ('strong' in part) return { type: 'strong', children: [{ type: 'text', value: part.strong }] };
  return { type: 'link', url: part.link, children: [{ type: 'text', value: part.text }] };
}

/** What a section is made of. */
export type Block = BlockContent;
