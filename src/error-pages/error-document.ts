import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodeOf } from '../common/error-code.js';

/** What `docs/errors.md` says about one code. */
export interface ErrorEntry {
  readonly code: string;
  /** Why a client gets the error, as Markdown on one line. */
  readonly cause: string;
  /** Everything below the heading of the code, as Markdown. */
  readonly markdown: string;
}

/** Codes below one heading of the document. */
export interface ErrorGroup {
  readonly title: string;
  readonly entries: readonly ErrorEntry[];
}

export interface ErrorDocument {
  readonly title: string;
  /** What comes before the first group, as Markdown. */
  readonly introduction: string;
  readonly groups: readonly ErrorGroup[];
}

/** The document of the errors is missing or not in its form; the operator can mend the former. */
export class ErrorDocumentError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ErrorDocumentError';
  }
}

/** The root of the project, seen from this file as a source and as what it is compiled to. */
const ROOTS = ['../..', '../../..'].map((path) => join(import.meta.dirname, path));

/** @param roots folders of which one has `docs/errors.md` @throws ErrorDocumentError */
export function readErrorDocument(roots: readonly string[] = ROOTS): ErrorDocument {
  const files = roots.map((root) => join(root, 'docs', 'errors.md'));
  const text = files.map(readIfThere).find((one) => one !== null);
  if (text === undefined) {
    throw new ErrorDocumentError(
      `The pages of the errors are made from docs/errors.md, which is missing. It belongs at ${files.join(' or ')}.`,
    );
  }
  return parseErrorDocument(text);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw new ErrorDocumentError(`${file} cannot be read.`, { cause: error });
  }
}

/**
 * Takes the document apart by its headings: the first level is its title, the second groups codes, and the
 * third is a code. @throws ErrorDocumentError for an entry without a code or a cause
 */
export function parseErrorDocument(text: string): ErrorDocument {
  const [head = '', ...groups] = text.replaceAll('\r\n', '\n').split(/^## /m);
  const [title, introduction] = splitFirstLine(head.replace(/^# /, ''));
  return { title, introduction, groups: groups.map(parseGroup) };
}

function parseGroup(text: string): ErrorGroup {
  const [head = '', ...entries] = text.split(/^### /m);
  return { title: head.trim(), entries: entries.map(parseEntry) };
}

function parseEntry(text: string): ErrorEntry {
  const [code, markdown] = splitFirstLine(text);
  const cause = /^- \*\*Cause\*\*: (.+)$/m.exec(markdown)?.[1];
  if (!/^[a-z][a-z0-9_]*$/.test(code) || cause === undefined) {
    throw new ErrorDocumentError(`The entry "${code}" of docs/errors.md is not a code with a cause.`);
  }
  return { code, cause, markdown };
}

function splitFirstLine(text: string): [string, string] {
  const end = text.indexOf('\n');
  return end === -1 ? [text.trim(), ''] : [text.slice(0, end).trim(), text.slice(end + 1).trim()];
}
