import type { Element, ElementContent } from 'hast';
import { toHtml } from 'hast-util-to-html';
import { gfmTableToMarkdown } from 'mdast-util-gfm-table';
import { defaultHandlers, toHast } from 'mdast-util-to-hast';
import { toMarkdown } from 'mdast-util-to-markdown';
import type { Heading, Image, Table } from 'mdast';
import { DARK_STYLE } from './plot-style.ts';
import { sectionId, type Report } from './report.ts';
import { PAGE_STYLE } from './page-style.ts';

/**
 * The report as Markdown with tables.
 * @param pictureUrl where the picture of a plot is; without it no pictures are shown
 */
export function writeMarkdown(report: Report, pictureUrl: ((id: string) => string) | undefined): string {
  return toMarkdown(report.document, {
    extensions: [gfmTableToMarkdown({ tablePipeAlign: false })], bullet: '-',
    handlers: {
      image(node: Image, _parent, state, info) {
        if (pictureUrl === undefined) return '';
        return `![${state.safe(node.alt ?? '', { ...info, before: '[', after: ']' })}](${pictureUrl(node.url)})`;
      },
    },
  });
}

/**
 * The report as one HTML page that needs nothing else: no network, no script; light and dark, for screens and paper.
 * @param svgs the drawn plots by id
 */
export function writeHtml(report: Report, svgs: ReadonlyMap<string, string>): string {
  const body = toHast(report.document, {
    // only the plots, which this package draws, come in as they are; every text is escaped
    allowDangerousHtml: true,
    handlers: {
      image(_state, node: Image): ElementContent {
        // the page has the style once
        const svg = (svgs.get(node.url) ?? '').replace(/<style>[\s\S]*?<\/style>/, '').trim();
        return { type: 'element', tagName: 'span', properties: { className: ['wide'], tabIndex: 0 }, children: [{ type: 'raw', value: svg }] };
      },
      heading(state, node: Heading): Element {
        const element = defaultHandlers.heading(state, node);
        const [first] = node.children;
        if (node.depth === 2 && first?.type === 'text') element.properties.id = sectionId(first.value);
        return element;
      },
      table(state, node: Table): Element {
        const inner = defaultHandlers.table(state, node) as Element;
        return { type: 'element', tagName: 'div', properties: { className: ['wide'], role: 'group', tabIndex: 0 }, children: [inner] };
      },
    },
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${report.title}</title>
<style>${PAGE_STYLE}${DARK_STYLE}</style>
</head>
<body>
<main>
${toHtml(body, { allowDangerousHtml: true })}
</main>
</body>
</html>
`;
}
