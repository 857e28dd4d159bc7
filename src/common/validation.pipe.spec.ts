import { describe, expect, it } from '@jest/globals';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { DomainError, type FieldError } from './domain-error.js';
import { PageQuery } from './page.query.js';
import { RefusesFields } from './refused-fields.js';
import { createValidationPipe } from './validation.pipe.js';
import { IsArrayOf, IsIdentifier, IsStoredText } from './validators.js';

class Model {
  @IsStoredText(8)
  name!: string;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(10)
  priority?: number | null;
}

class Group {
  @IsIdentifier()
  group_name!: string;

  @IsArrayOf(() => Model, 0, 10)
  models!: Model[];
}

const GROUP = { group_name: 'ChatFast', models: [{ name: 'a', priority: 0 }] };

type Dto = new () => object;

async function refusalOf(value: unknown, metatype: Dto = Group, type: 'body' | 'query' = 'body') {
  try {
    await createValidationPipe().transform(value, { type, metatype });
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  return null;
}

/** Path and code of every refused field. */
async function fieldsOf(value: unknown, metatype?: Dto, type?: 'body' | 'query'): Promise<string[]> {
  const errors = ((await refusalOf(value, metatype, type))?.details['errors'] ?? []) as FieldError[];
  return errors.map(({ field, code }) => `${field} ${code}`);
}

describe('the validation of a request', () => {
  it('hands on an instance of the DTO with what was sent', async () => {
    const group: unknown = await createValidationPipe().transform(GROUP, { type: 'body', metatype: Group });

    expect(group).toBeInstanceOf(Group);
    expect((group as Group).models[0]).toBeInstanceOf(Model);
    expect(JSON.parse(JSON.stringify(group))).toEqual(GROUP);
  });

  it('names every refused field once, with its first mistake', async () => {
    const refusal = await refusalOf({ group_name: '-', models: [] as unknown[], extra: 1 });

    expect(refusal).toMatchObject({ kind: 'invalid', code: 'validation_failed' });
    expect(refusal?.details['errors']).toEqual([
      { field: 'extra', code: 'unknown_field', message: 'extra is not a field of this request' },
      {
        field: 'group_name',
        code: 'matches',
        message:
          'group_name must be 1 to 128 letters, digits, ".", "_", "-", ":" or "@", beginning with a letter or digit',
      },
    ]);
  });

  it('names a nested field by its whole path, in the message too', async () => {
    const models = [{ name: 'a' }, { name: 'b', priority: 1.5, weight: 2 }];
    const errors = (await refusalOf({ ...GROUP, models }))?.details['errors'];

    expect(errors).toEqual([
      {
        field: 'models.1.weight',
        code: 'unknown_field',
        message: 'models.1.weight is not a field of this request',
      },
      {
        field: 'models.1.priority',
        code: 'is_int',
        message: 'models.1.priority must be an integer number',
      },
    ]);
  });

  it('takes null as absent where a field is optional, and only there', async () => {
    expect(await fieldsOf({ ...GROUP, models: [{ name: 'a', priority: null }] })).toEqual([]);
    expect(await fieldsOf({ ...GROUP, models: [{ name: null }] })).toEqual(['models.0.name is_string']);
  });

  it.each([[undefined], [null], [[]], [{}]])('refuses %j where a body is needed', async (body) => {
    expect(await fieldsOf(body)).toEqual(['group_name matches', 'models is_array']);
  });

  it('refuses an array of bodies', async () => {
    expect(await fieldsOf([GROUP])).toContain('0 unknown_field');
  });

  it.each([[[1]], [['text']], [[null]], [[true]]])('refuses %j where objects are nested', async (models) => {
    expect(await fieldsOf({ ...GROUP, models })).toEqual(['models is_object']);
  });

  it.each([[[[]]], [[[{ name: 'a' }]]], [[[[]]]]])(
    'refuses %j, an array where an object is nested',
    async (models) => {
      expect(await fieldsOf({ ...GROUP, models })).not.toEqual([]);
    },
  );

  it('refuses an object where an array is meant', async () => {
    expect(await fieldsOf({ ...GROUP, models: { 0: { name: 'a' } } })).toContain('models is_array');
  });

  it('never turns a text into a number in a body', async () => {
    const fields = await fieldsOf({ ...GROUP, models: [{ name: 'a', priority: '1' }] });

    expect(fields.map((field) => field.split(' ', 1)[0])).toEqual(['models.0.priority']);
  });
});

describe('a field that is refused for a reason', () => {
  @RefusesFields(
    new Map([
      ['colour', 'it is always blue'],
      ['name', 'this is never read'],
    ]),
  )
  class Thing {
    @IsStoredText(8)
    name!: string;
  }

  class NamedThing extends Thing {}

  @RefusesFields(new Map([['size', 'it is always one']]))
  class SizedThing extends Thing {}

  class Box {
    @IsArrayOf(() => Thing, 0, 10)
    things!: Thing[];
  }

  it.each<[string, Dto]>([
    ['its class', Thing],
    ['a subclass without a list of its own', NamedThing],
  ])('is answered with the reason by %s', async (_, metatype) => {
    const refusal = await refusalOf({ name: 'a', colour: null, size: 1 }, metatype);
    expect(refusal?.details['errors']).toEqual([
      {
        field: 'colour',
        code: 'unsupported_parameter',
        message: 'colour is not supported: it is always blue',
      },
      { field: 'size', code: 'unknown_field', message: 'size is not a field of this request' },
    ]);
  });

  it('is another one where a subclass has a list of its own', async () => {
    expect(await fieldsOf({ name: 'a', colour: 1, size: 1 }, SizedThing)).toEqual([
      'colour unknown_field',
      'size unsupported_parameter',
    ]);
  });

  it('is named with its place where it is nested', async () => {
    expect(await fieldsOf({ things: [{ name: 'a', colour: 1 }] }, Box)).toEqual([
      'things.0.colour unsupported_parameter',
    ]);
  });

  it('is none that the class has', async () => {
    expect(await fieldsOf({ name: 'a' }, Thing)).toEqual([]);
  });
});

describe('the query of a list', () => {
  const query = (value: unknown) => fieldsOf(value, PageQuery, 'query');

  it('has 50 for its limit, and no cursor', async () => {
    const page: unknown = await createValidationPipe().transform({}, { type: 'query', metatype: PageQuery });

    expect(page).toEqual({ limit: 50 });
  });

  it.each(['1', '50', '100'])('takes a limit of %s', async (limit) => {
    const page: unknown = await createValidationPipe().transform(
      { limit },
      { type: 'query', metatype: PageQuery },
    );
    expect(page).toEqual({ limit: Number(limit) });
  });

  it.each(['0', '101', '-1', '1.5', 'ten', '', '1e3', 'NaN', ['1', '2']])(
    'refuses a limit of %j',
    async (limit) => {
      expect(await query({ limit })).toHaveLength(1);
    },
  );

  it.each(['ten', '1.5'])(
    'says of %j that it is no whole number, not that it is too large',
    async (limit) => {
      expect(await query({ limit })).toEqual(['limit is_int']);
    },
  );

  it('refuses what it does not know', async () => {
    expect(await query({ offset: '10' })).toEqual(['offset unknown_field']);
  });
});
