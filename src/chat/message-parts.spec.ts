import { describe, expect, it } from '@jest/globals';
import { findContentProblem, type Role } from './message-parts.js';

const image = (url: unknown, more: object = {}): object => ({
  type: 'image_url',
  image_url: { url, ...more },
});
const sound = (data: unknown, format: unknown = 'wav'): object => ({
  type: 'input_audio',
  input_audio: { data, format },
});
const URL_RULE =
  '.content.0.image_url.url must be an http:// or https:// URL, or data:image/png, jpeg, gif or webp in base64';

describe('the parts of a message', () => {
  it.each<[Role, object]>([
    ['user', { type: 'text', text: '' }],
    ['user', image('https://example.com/a.png')],
    ['user', image('http://example.com:8080/a?b=c#d')],
    ['user', image('HTTPS://EXAMPLE.COM/a.png', { detail: 'high' })],
    ['user', image('https://example.com/a.png', { detail: null })],
    ['user', image('data:image/png;base64,iVBORw==')],
    ['user', image('data:image/webp;base64,AAAA')],
    ['user', sound('UklGRg==')],
    ['user', sound('//uQ', 'mp3')],
    ['assistant', { type: 'refusal', refusal: 'No.' }],
    ['system', { type: 'text', text: 'Be short.' }],
    ['tool', { type: 'text', text: '17' }],
  ])('of the role %s may be %j', (role, part) => {
    expect(findContentProblem([part], role)).toBeNull();
  });

  it.each([
    'ftp://example.com/a.png',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//example.com/a.png',
    'https://',
    'https://exa mple.com',
    `https://example.com/${'a'.repeat(8_192)}`,
    'https://example.com/\ud800',
    'data:image/svg+xml;base64,AAAA',
    'data:text/html;base64,AAAA',
    'data:image/png,AAAA',
    'data:image/png;base64,',
    'data:image/png;base64,AAA',
    'data:image/png;base64,AA=A',
    'data:image/png;base64,AA\nA',
    'data:image/png;base64,AA-_',
    '',
    7,
    null,
  ])('refuse an image at %j', (url) => {
    expect(findContentProblem([image(url)], 'user')).toBe(URL_RULE);
  });

  it.each<[string, Role, unknown, string]>([
    [
      'an image of a system',
      'system',
      image('https://example.com/a.png'),
      '.content.0.type must be one of text in a message of the role system',
    ],
    [
      'an image of an assistant',
      'assistant',
      image('https://example.com/a.png'),
      '.content.0.type must be one of text, refusal in a message of the role assistant',
    ],
    [
      'a refusal of a user',
      'user',
      { type: 'refusal', refusal: 'No.' },
      '.content.0.type must be one of text, image_url, input_audio in a message of the role user',
    ],
    [
      'a file',
      'user',
      { type: 'file', file: { file_id: 'file-1' } },
      '.content.0.type "file" is refused: a file is kept or read by one provider only: send its text, or its pages as images',
    ],
    ['a part of no type', 'user', { text: 'Hi' }, '.content.0.type must be text'],
    [
      'an image as text',
      'user',
      { type: 'image_url', image_url: 'https://example.com/a.png' },
      '.content.0 must be {"type": "image_url", "image_url": {"url": "…"}}',
    ],
    [
      'an image of an unknown detail',
      'user',
      image('https://example.com/a.png', { detail: 'ultra' }),
      '.content.0.image_url.detail must be one of auto, low, high',
    ],
    [
      'an image with a field of one provider',
      'user',
      image('https://example.com/a.png', { format: 'image/png' }),
      '.content.0.image_url.format is not a field of an image',
    ],
    ['a sound that is no base64', 'user', sound('a b='), '.content.0.input_audio.data must be base64'],
    [
      'a sound of another format',
      'user',
      sound('AAAA', 'ogg'),
      '.content.0.input_audio.format must be one of wav, mp3',
    ],
    [
      'a refusal without text',
      'assistant',
      { type: 'refusal', text: 'No.' },
      '.content.0 must be {"type": "refusal", "refusal": "…"}',
    ],
    [
      'a text of broken Unicode',
      'tool',
      { type: 'text', text: '\udc00' },
      '.content.0 must be {"type": "text", "text": "…"}',
    ],
  ])('refuse %s', (_, role, part, expected) => {
    expect(findContentProblem([part], role)).toBe(expected);
  });
});
