import { describe, expect, it } from '@jest/globals';
import { isLoopbackHost } from './loopback.js';

describe('a loopback host', () => {
  it.each(['localhost', 'LOCALHOST', 'LocalHost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])(
    'is %s, which only this machine can reach',
    (host) => {
      expect(isLoopbackHost(host)).toBe(true);
    },
  );

  it.each([
    '',
    '0.0.0.0',
    '::',
    '[::]',
    '192.168.0.1',
    '10.127.0.0.1',
    '128.0.0.1',
    '127.0.0',
    '127.0.0.1.evil.example',
    'evil-127.0.0.1',
    'localhost.evil.example',
    'notlocalhost',
    '[127.0.0.1',
    '::1]',
    '127.0.0.1:8003',
    'localhost:8003',
    'localhost\n',
    ' localhost',
  ])('is not %j', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});
