import { registerDecorator } from 'class-validator';

const MAX_STOPS = 4;

/** OpenAI's `stop`: one text, or one to four. */
export function IsStop(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isStop',
      target: target.constructor,
      propertyName: String(property),
      options: { message: `$property must be text, or an array of 1 to ${String(MAX_STOPS)} texts` },
      validator: {
        validate: (value: unknown) =>
          isText(value) ||
          (Array.isArray(value) && value.length >= 1 && value.length <= MAX_STOPS && value.every(isText)),
      },
    });
  };
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.isWellFormed();
}
