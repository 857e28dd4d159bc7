import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ErrorDocumentError, parseErrorDocument, readErrorDocument } from './error-document.js';

const TEXT = `# Faults

All of them.

## 404 Not Found

### a_missing

- **Status**: 404 Not Found
- **Cause**: It is not there.
- **Remedy**: Look elsewhere.

#### Further

More of it.

### b_missing

- **Cause**: Neither is this.

## 409 Conflict

### c_busy

- **Cause**: It is in use.
`;

describe('parseErrorDocument', () => {
  it('takes the document apart by its headings', () => {
    expect(parseErrorDocument(TEXT)).toEqual({
      title: 'Faults',
      introduction: 'All of them.',
      groups: [
        {
          title: '404 Not Found',
          entries: [
            {
              code: 'a_missing',
              cause: 'It is not there.',
              markdown:
                '- **Status**: 404 Not Found\n- **Cause**: It is not there.\n- **Remedy**: Look elsewhere.\n\n#### Further\n\nMore of it.',
            },
            { code: 'b_missing', cause: 'Neither is this.', markdown: '- **Cause**: Neither is this.' },
          ],
        },
        {
          title: '409 Conflict',
          entries: [{ code: 'c_busy', cause: 'It is in use.', markdown: '- **Cause**: It is in use.' }],
        },
      ],
    });
  });

  it('reads a file with the line ends of Windows alike', () => {
    expect(parseErrorDocument(TEXT.replaceAll('\n', '\r\n'))).toEqual(parseErrorDocument(TEXT));
  });

  it.each([
    ['an entry without a cause', '## 404\n\n### a_missing\n\n- **Remedy**: Look elsewhere.\n'],
    ['a heading that is no code', '## 404\n\n### Not a <b>code</b>\n\n- **Cause**: It is not there.\n'],
  ])('refuses %s', (_, text) => {
    expect(() => parseErrorDocument(`# Faults\n\n${text}`)).toThrow(ErrorDocumentError);
  });
});

describe('readErrorDocument', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'error-document-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('takes the first of the folders that has the document', async () => {
    await mkdir(join(folder, 'docs'));
    await writeFile(join(folder, 'docs/errors.md'), TEXT);

    expect(readErrorDocument([join(folder, 'src'), folder]).title).toBe('Faults');
  });

  it('says which file is missing and where it belongs', () => {
    expect(() => readErrorDocument([folder])).toThrow(ErrorDocumentError);
    expect(() => readErrorDocument([folder])).toThrow(join(folder, 'docs', 'errors.md'));
  });

  it('finds the document of the service', () => {
    expect(readErrorDocument().title).toBe('Errors');
  });
});
