import type { PipeTransform } from '@nestjs/common';
import { createValidationPipe } from './validation.pipe.js';

/** A class whose one property describes a body that is an array. */
export interface ArrayBodyDescription<T> {
  body: T[];
}

/** Validates a body that is an array, which has no class of its own: as the property `body` of one. */
export class ArrayBodyPipe<T> implements PipeTransform<unknown, Promise<T[]>> {
  private readonly validation = createValidationPipe();

  constructor(private readonly description: new () => ArrayBodyDescription<T>) {}

  /** @throws DomainError `validation_failed` with fields such as `body.0.priority` */
  async transform(value: unknown): Promise<T[]> {
    const described = (await this.validation.transform(
      { body: value },
      { type: 'body', metatype: this.description },
    )) as ArrayBodyDescription<T>;
    return described.body;
  }
}
