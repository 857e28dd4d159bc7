import { describe, expect, it } from '@jest/globals';
import { isOpenAiPath, withVersion } from './openai-path.js';

describe('a path', () => {
  it.each([
    '/v1',
    '/v1/models',
    '/V1/Models',
    '/v1/files',
    '/api/jobs/019ab1c2/openai/v1/chat/completions',
    '/api/jobs/x/openai',
    '/api/jobs/x/openai/nonsense',
    '/API/Jobs/x/OpenAI/v1/embeddings',
  ])('%s is of OpenAI', (path) => {
    expect(isOpenAiPath(path)).toBe(true);
  });

  it.each([
    '/',
    '/v10/models',
    '/v1beta',
    '/api/v1/models',
    '/api/jobs/create',
    '/api/jobs/x/openai2/v1',
    '/api/jobs/openai/v1',
    '/api/jobs/x/y/openai/v1',
    '/docs/v1/',
  ])('%s is not', (path) => {
    expect(isOpenAiPath(path)).toBe(false);
  });
});

describe('a base URL without the version', () => {
  it.each([
    ['/chat/completions', '/v1/chat/completions'],
    ['/embeddings/', '/v1/embeddings/'],
    ['/responses?a=1', '/v1/responses?a=1'],
    ['/models', '/v1/models'],
    ['/models/ChatFast', '/v1/models/ChatFast'],
    ['/api/jobs/x/openai/chat/completions', '/api/jobs/x/openai/v1/chat/completions'],
    ['/api/jobs/x/openai/models/a', '/api/jobs/x/openai/v1/models/a'],
  ])('%s means %s', (url, expected) => {
    expect(withVersion(url)).toBe(expected);
  });

  it.each([
    '/v1/chat/completions',
    '/api/jobs/x/openai/v1/responses',
    '/completions',
    '/files',
    '/models/a/b',
    '/api/chat/completions',
    '/api/jobs/x/chat/completions',
    '/docs?next=/chat/completions',
  ])('does not change %s', (url) => {
    expect(withVersion(url)).toBe(url);
  });
});
