/** Why each of some fields is refused, by its name: a sentence without its end. */
export type RefusalReasons = ReadonlyMap<string, string>;

const REFUSED_FIELDS = 'refused-fields';

/**
 * Names fields that a request cannot have although its sender may well expect it, so that the answer can
 * say why. It holds for subclasses until one of them has a list of its own; a field that the DTO declares
 * is none of these, whatever the list says.
 */
export function RefusesFields(reasons: RefusalReasons): ClassDecorator {
  return (target) => {
    Reflect.defineMetadata(REFUSED_FIELDS, reasons, target);
  };
}

/** Why a request of this class refuses a field; null if it does not know the field. */
export function findRefusalReason(request: object | undefined, field: string): string | null {
  if (request === undefined) return null;
  const reasons = Reflect.getMetadata(REFUSED_FIELDS, request.constructor) as RefusalReasons | undefined;
  return reasons?.get(field) ?? null;
}
