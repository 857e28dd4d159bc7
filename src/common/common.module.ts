import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { Clock, SystemClock } from './clock.js';
import { ProblemFilter } from './problem.filter.js';
import { UnexpectedInputInterceptor } from './unexpected-input.interceptor.js';
import { createValidationPipe } from './validation.pipe.js';

/** The clock, and what stands around every route: validation before it, problems after it. */
@Global()
@Module({
  providers: [
    { provide: APP_PIPE, useFactory: createValidationPipe },
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_INTERCEPTOR, useClass: UnexpectedInputInterceptor },
  ],
})
export class CommonModule {
  static forRoot(clock: Clock = new SystemClock()): DynamicModule {
    return { module: CommonModule, providers: [{ provide: Clock, useValue: clock }], exports: [Clock] };
  }
}
