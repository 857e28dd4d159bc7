import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Admin } from '../common/access.js';
import { MetricsService } from './metrics.service.js';

@ApiTags('Metrics')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  @Get()
  @Admin()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiOperation({
    summary: 'What this process counts, for a monitoring system',
    description:
      'In the text format of Prometheus, of this replica alone. The admin key is sent as a bearer token.',
  })
  @ApiProduces('text/plain')
  @ApiOkResponse({
    description: 'The text format of Prometheus, version 0.0.4',
    schema: { type: 'string', example: 'ledger_differences{check="account balances"} 0\n' },
  })
  async get(): Promise<string> {
    return this.metrics.render();
  }
}
