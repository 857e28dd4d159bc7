import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { AuthModule } from './auth/auth.module.js';
import type { Clock } from './common/clock.js';
import { CommonModule } from './common/common.module.js';
import { ConfigModule } from './config/config.module.js';
import type { Settings } from './config/settings.js';
import { CreditsModule } from './credits/credits.module.js';
import { DatabaseModule } from './database/database.module.js';
import { ErrorPagesModule } from './error-pages/error-pages.module.js';
import { HealthModule } from './health/health.module.js';
import { IdempotencyModule } from './idempotency/idempotency.module.js';
import { JobsModule } from './jobs/jobs.module.js';
import { loggerOptions } from './logging.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { ModelGroupsModule } from './model-groups/model-groups.module.js';
import { OpenaiApiModule } from './openai-api/openai-api.module.js';
import { OrganizationsModule } from './organizations/organizations.module.js';
import { RefillsModule } from './refills/refills.module.js';
import { TeamsModule } from './teams/teams.module.js';
import { UsageModule } from './usage/usage.module.js';
import { VerificationModule } from './verification/verification.module.js';

@Module({})
export class AppModule {
  /** @param settings with a database and an upstream: whoever starts the app has seen to both */
  static forRoot(settings: Settings, clock?: Clock): DynamicModule {
    if (settings.databaseUrl === null) throw new Error('No database is configured.');
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(settings),
        LoggerModule.forRoot(loggerOptions(settings)),
        CommonModule.forRoot(clock),
        DatabaseModule.forRoot({
          url: settings.databaseUrl,
          poolSize: settings.databasePoolSize,
          queryTimeoutMs: settings.databaseQueryTimeoutMs,
        }),
        AuthModule,
        IdempotencyModule,
        OrganizationsModule,
        ModelGroupsModule,
        TeamsModule,
        CreditsModule,
        RefillsModule,
        JobsModule,
        OpenaiApiModule,
        UsageModule,
        VerificationModule,
        MetricsModule,
        HealthModule,
        ErrorPagesModule,
      ],
    };
  }
}
