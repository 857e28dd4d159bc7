import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';

/** What the service counts about itself. A registry of its own, so that two services in one process do not mix. */
@Injectable()
export class MetricsService implements OnApplicationShutdown {
  /** Where other modules register their metrics. Labels name no team and no model: both have no bound. */
  readonly registry = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  onApplicationShutdown(): void {
    this.registry.clear();
  }

  /** In the text format of Prometheus. */
  async render(): Promise<string> {
    return this.registry.metrics();
  }
}
