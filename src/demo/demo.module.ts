import { type DynamicModule, Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ConfigModule } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { DatabaseModule } from '../database/database.module.js';
import { ModelGroupsModule } from '../model-groups/model-groups.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { DemoHistory } from './demo.history.js';
import { DemoService } from './demo.service.js';

/** 30 September 2024, before the month that the demo fills. */
class DemoClock extends Clock {
  now(): Date {
    return new Date(Date.UTC(2024, 8, 30, 8));
  }
}

@Module({ providers: [{ provide: Clock, useClass: DemoClock }], exports: [Clock] })
class DemoClockModule {}

/** An application of its own beside the service, with the time of the demo. */
@Module({})
export class DemoModule {
  static forRoot(settings: Settings, databaseUrl: string): DynamicModule {
    return {
      module: DemoModule,
      imports: [
        ConfigModule.forRoot(settings),
        { module: DemoClockModule, global: true },
        DatabaseModule.forRoot({ url: databaseUrl, poolSize: 2 }),
        OrganizationsModule,
        ModelGroupsModule,
        TeamsModule,
      ],
      providers: [DemoHistory, DemoService],
    };
  }
}
