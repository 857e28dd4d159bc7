import { describe, expect, it } from '@jest/globals';
import { getMetadataStorage } from 'class-validator';
import { ChatParametersRequest } from './chat-parameters.request.js';
import { IsHarmless } from './harmless.validator.js';
import { REFUSED_PARAMETERS, refusedParametersWithout } from './refused-parameters.js';

const names = REFUSED_PARAMETERS.map(({ name }) => name);

describe('the refused parameters', () => {
  it('are there once each', () => {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('are none that a request may have', () => {
    const taken = getMetadataStorage()
      .getTargetValidationMetadatas(ChatParametersRequest, '', false, false)
      .map(({ propertyName }) => propertyName);
    expect(taken).toContain('messages');
    expect(names.filter((name) => taken.includes(name))).toEqual([]);
  });

  it.each(['functions', 'store', 'user', 'metadata', 'fallbacks', 'api_key', 'mock_response', 'thinking'])(
    'have %s among them',
    (name) => {
      expect(names).toContain(name);
    },
  );

  it('have a reason that reads on in a sentence', () => {
    expect(REFUSED_PARAMETERS.filter(({ reason }) => !/^[a-z].*[a-z]$/.test(reason))).toEqual([]);
  });

  it('are all refused but those that a door takes', () => {
    const refused = refusedParametersWithout('user', 'metadata');
    expect(refused.size).toBe(names.length - 2);
    expect([refused.has('user'), refused.has('metadata'), refused.has('store')]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('are the only ones that have a harmless value', () => {
    expect(() => {
      IsHarmless(1)({}, 'temperature');
    }).toThrow('temperature is no refused parameter.');
  });
});
