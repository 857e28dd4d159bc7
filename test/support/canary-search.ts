import type { CapturedAnswer } from './canary-capture.js';
import type { Mark } from './canary-markers.js';

/** A mark that was found, and how it was written there. */
export interface Leak {
  readonly kind: string;
  readonly form: string;
}

/** Names of providers, of the proxy and of the offline upstream, none of which a team has to do with. */
export const FORBIDDEN_WORDS: readonly string[] = [
  'openai',
  'anthropic',
  'claude',
  'litellm',
  'sandbox',
  'gemini',
  'vertex',
  'azure',
  'bedrock',
  'mistral',
  'deepseek',
  'groq',
  'cohere',
];

/** The pages that document the API, which has "OpenAI" in the names of its own routes and schemas. */
const DOCUMENTATION = /^\/(?:docs|openapi\.json)/;

/** Marks in a text, in any case and in whatever form a mark may have been written. */
export function findMarks(text: string, marks: readonly Mark[]): Leak[] {
  const views = viewsOf(text);
  return marks.flatMap(({ kind, text: mark }) => [
    ...views
      .filter((view) => view.text.toLowerCase().includes(mark.toLowerCase()))
      .map(({ form }) => ({ kind, form })),
    ...encodingsOf(mark)
      .filter((encoding) => (encoding.isCased ? text : text.toLowerCase()).includes(encoding.text))
      .map(({ form }) => ({ kind, form })),
  ]);
}

/** Marks in any byte of an answer. */
export function findLeaks(answer: CapturedAnswer, marks: readonly Mark[]): Leak[] {
  return findMarks(bytesOf(answer), marks);
}

/** Forbidden words in any byte of an answer. */
export function findWords(answer: CapturedAnswer): string[] {
  const text = bytesOf(answer).toLowerCase();
  const isDocumentation = DOCUMENTATION.test(answer.path);
  return FORBIDDEN_WORDS.filter((word) => text.includes(word) && !(isDocumentation && word === 'openai'));
}

/** All that came, in the order in which it came. */
function bytesOf(answer: CapturedAnswer): string {
  const { interim, statusMessage, headers, body, trailers } = answer;
  return [...interim, statusMessage, ...headers, body, ...trailers].join('\n');
}

interface View {
  readonly form: string;
  readonly text: string;
}

/** The text itself, and what it says to somebody who takes its escapes away. */
function viewsOf(text: string): View[] {
  const byCode = (radix: number) => (_: string, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, radix));
  const views = [
    { form: 'plain', text },
    { form: 'JSON escapes', text: text.replaceAll(/\\+u([0-9a-f]{4})/gi, byCode(16)) },
    { form: 'percent', text: text.replaceAll(/%([0-9a-f]{2})/gi, byCode(16)) },
    { form: 'HTML', text: text.replaceAll(/&#x([0-9a-f]{1,4});/gi, byCode(16)) },
    { form: 'HTML, decimal', text: text.replaceAll(/&#(\d{1,5});/g, byCode(10)) },
  ];
  return views.filter((view, index) => index === 0 || view.text !== text);
}

/** The text that a mark becomes inside of something encoded, whatever is before and after it. */
function encodingsOf(mark: string): (View & { readonly isCased: boolean })[] {
  const bytes = Buffer.from(mark);
  const base64 = [0, 1, 2].map((before) => {
    // The first and the last characters share bits with what is around the mark.
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(before === 0 ? 0 : before + 1, -1);
  });
  return [
    ...base64.map((text) => ({ form: 'base64', text, isCased: true })),
    { form: 'hex', text: bytes.toString('hex'), isCased: false },
  ];
}
