import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { v7 } from 'uuid';
import { startTestService, type TestService } from '../support/service.js';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
const CODES = [...DOCUMENT.matchAll(/^### (\w+)$/gm)].map((match) => match[1]!);

describe('the pages of the errors', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  const page = (path: string) => service.call('get', path, { key: null });
  const linksOf = (html: string) => [...html.matchAll(/href="([^"]*)"/g)].map((match) => match[1]!);

  it('are one for each code of the document, with its cause and its remedy', async () => {
    expect(CODES.length).toBeGreaterThan(20);
    for (const code of CODES) {
      const { text, headers } = await page(`/docs/errors/${code}`).expect(200);

      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(text).toContain(`<title>${code} `);
      expect(text).toContain(`<h1>${code}</h1>`);
      for (const label of ['Status', 'Cause', 'Remedy', 'Harmless to retry']) {
        expect(text).toContain(`<li><strong>${label}</strong>: `);
      }
    }
  });

  it('show what the document says, as HTML', async () => {
    const { text } = await page('/docs/errors/unauthenticated').expect(200);

    expect(text).toContain('There is no key, or it is malformed, unknown or revoked.');
    expect(text).toContain('<code>Authorization: Bearer &lt;key&gt;</code>');
    expect(text).not.toContain('insufficient_credits');
  });

  it('show the field codes on the page of validation_failed', async () => {
    const { text } = await page('/docs/errors/validation_failed').expect(200);

    expect(text).toContain('<h2>Field codes</h2>');
    expect(text).toContain('<td><code>unknown_field</code></td>');
  });

  it('are listed by the index, with a link to each', async () => {
    const { text, headers } = await page('/docs/errors').expect(200);

    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(linksOf(text)).toEqual(expect.arrayContaining(CODES.map((code) => `/docs/errors/${code}`)));
    expect(text).toContain('<h2>402 Payment Required</h2>');
  });

  it('link to nothing that is not there', async () => {
    const texts = await Promise.all(
      ['/docs/errors', ...CODES.map((code) => `/docs/errors/${code}`)].map(
        async (path) => (await page(path)).text,
      ),
    );
    for (const target of new Set(texts.flatMap(linksOf))) {
      expect([target, (await page(target)).status]).toEqual([target, 200]);
    }
  });

  it('answer with and without a trailing slash, and with a key that is none', async () => {
    for (const path of ['/docs/errors', '/docs/errors/job_not_open']) {
      const { text } = await page(path).expect(200);

      expect((await page(`${path}/`).expect(200)).text).toBe(text);
      expect((await service.call('get', path, { key: 'nonsense' }).expect(200)).text).toBe(text);
    }
  });

  it('leave the pages of the routes beside them alone', async () => {
    expect((await page('/docs').expect(200)).text).toContain('swagger-ui');
    expect((await page('/docs/').expect(200)).text).toContain('swagger-ui');
    await page('/docs/swagger-ui.css').expect(200);
  });

  it('load nothing and run nothing: only their own style is allowed', async () => {
    for (const path of ['/docs/errors', '/docs/errors/validation_failed']) {
      const { text, headers } = await page(path).expect(200);
      const style = /<style>(.*)<\/style>/s.exec(text)![1]!;
      const hash = createHash('sha256').update(style).digest('base64');

      expect(headers['content-security-policy']!.split('; ')).toEqual([
        "default-src 'none'",
        `style-src 'sha256-${hash}'`,
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(text).not.toMatch(/<script|<link|<img|\bsrc=|\bstyle=|\bon\w+=|url\(|@import/);
    }
  });

  it('are where the type of a problem leads', async () => {
    const address = `${service.baseUrl}/api/jobs/${v7()}`;
    const problem = (await service.call('get', new URL(address).pathname).expect(404)).body as {
      type: string;
      code: string;
    };
    const target = new URL(problem.type, address);

    expect(problem.code).toBe('job_not_found');
    expect(target.href).toBe(`${service.baseUrl}/docs/errors/job_not_found`);
    const { text } = await request(target.origin).get(target.pathname).expect(200);
    expect(text).toContain('<h1>job_not_found</h1>');
  });

  it.each(['no_such_code', 'JOB_NOT_OPEN', '__proto__', 'constructor', '%3Cb%3E', 'job_not_open/more'])(
    'do not exist for %s: that is a 404 which repeats nothing of it',
    async (code) => {
      const { body, headers, text } = await page(`/docs/errors/${code}`).expect(404);

      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(body).toMatchObject({ status: 404, code: 'route_not_found' });
      expect(text).not.toContain(decodeURIComponent(code));
    },
  );
});
