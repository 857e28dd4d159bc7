import { createHash } from 'node:crypto';
import { Marked } from 'marked';
import { ERROR_PAGES_PATH } from '../common/problem.js';
import type { ErrorDocument, ErrorEntry } from './error-document.js';

/** System colours and their mixtures follow the reader's light or dark scheme by themselves. */
const STYLE = `
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
ul { padding-left: 1.2rem; }
code { padding: 0.1em 0.3em; border-radius: 0.25em; background: color-mix(in srgb, CanvasText 9%, Canvas); }
table { display: block; overflow-x: auto; border-collapse: collapse; }
th, td { padding: 0.3rem 0.6rem; border: 1px solid color-mix(in srgb, CanvasText 25%, Canvas); }
th, td { text-align: left; vertical-align: top; }
`;

/**
 * The pages load nothing and run nothing; the one inline style is allowed by its hash. The last three
 * do not follow from `default-src`.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const markdown = new Marked();

/** The page of one code. */
export function renderErrorPage({ code, markdown: body }: ErrorEntry): string {
  // Headings inside an entry are of the fourth level in the document, and of the second on its own page.
  return renderPage(code, body.replaceAll(/^#### /gm, '## '));
}

/** The page that lists all codes, each with its cause and a link to its page. */
export function renderErrorIndex({ title, introduction, groups }: ErrorDocument): string {
  const lists = groups.map((group) => {
    const items = group.entries.map(({ code, cause }) => `- [\`${code}\`](#${code}): ${cause}`);
    return `## ${group.title}\n\n${items.join('\n')}`;
  });
  return renderPage(title, [introduction, ...lists].join('\n\n'));
}

/** @param title plain text without HTML: the title of our document, or a code */
function renderPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Jobs API</title>
<style>${STYLE}</style>
</head>
<body>
<nav><a href="${ERROR_PAGES_PATH}">All errors</a> · <a href="/docs">All routes</a></nav>
<main>
<h1>${title}</h1>
${markdown.parse(linkToPages(body), { async: false })}</main>
</body>
</html>
`;
}

/** In the document a link to a code leads to its heading; here each code has a page. */
function linkToPages(body: string): string {
  return body.replaceAll(/\]\(#([a-z0-9_]+)\)/g, `](${ERROR_PAGES_PATH}/$1)`);
}
