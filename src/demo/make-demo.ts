import { NestFactory } from '@nestjs/core';
import type { Settings } from '../config/settings.js';
import { DemoModule } from './demo.module.js';
import { type DemoOutcome, DemoService } from './demo.service.js';

/** Makes the demo in a migrated database, also beside a running service. See {@link DemoService.make}. */
export async function makeDemo(settings: Settings, databaseUrl: string): Promise<DemoOutcome> {
  const context = await NestFactory.createApplicationContext(DemoModule.forRoot(settings, databaseUrl), {
    logger: false,
    abortOnError: false,
  });
  try {
    return await context.get(DemoService).make();
  } finally {
    await context.close();
  }
}
