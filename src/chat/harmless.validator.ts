import { registerDecorator } from 'class-validator';
import { REFUSED_PARAMETERS } from './refused-parameters.js';

/**
 * For a door that takes a refused parameter as long as it asks for nothing: `store: false`. Any other
 * value is refused as the parameter itself is elsewhere.
 */
export function IsHarmless(...values: readonly unknown[]): PropertyDecorator {
  return (target, property) => {
    const name = String(property);
    const refused = REFUSED_PARAMETERS.find((one) => one.name === name);
    if (refused === undefined) throw new Error(`${name} is no refused parameter.`);
    const harmless = new Set(values.map((value) => JSON.stringify(value)));
    registerDecorator({
      name: 'unsupportedParameter',
      target: target.constructor,
      propertyName: name,
      options: {
        message: `${name} is not supported: ${refused.reason}. Leave it out, or send ${[...harmless].join(' or ')}`,
      },
      validator: { validate: (value: unknown) => harmless.has(JSON.stringify(value)) },
    });
  };
}
