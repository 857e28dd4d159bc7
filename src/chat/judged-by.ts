import { registerDecorator, type ValidationArguments } from 'class-validator';

/**
 * Validates a field by a function that says what is wrong with it, naming the place, or null. It also
 * gets the whole request, for rules about two fields.
 */
export function JudgedBy(
  name: string,
  findProblem: (value: unknown, request: Readonly<Record<string, unknown>>) => string | null,
): PropertyDecorator {
  const judge = (value: unknown, argument?: ValidationArguments): string | null =>
    findProblem(value, (argument?.object ?? {}) as Readonly<Record<string, unknown>>);
  return (target, property) => {
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value: unknown, argument?: ValidationArguments) => judge(value, argument) === null,
        defaultMessage: (argument?: ValidationArguments) =>
          judge(argument?.value, argument) ?? `${String(property)} is not valid`,
      },
    });
  };
}
