import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Public } from '../common/access.js';
import { DomainError } from '../common/domain-error.js';
import { ApiErrors } from '../common/openapi.js';
import { Readiness } from './readiness.js';

export class HealthResponse {
  @ApiProperty({ type: String, enum: ['ok'], example: 'ok' })
  status!: 'ok';
}

@ApiTags('Health')
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  @Get('live')
  @Public()
  @ApiOperation({
    summary: 'Whether the process runs',
    description: 'For a supervisor: answers as long as the process does.',
  })
  @ApiOkResponse({ type: HealthResponse })
  live(): HealthResponse {
    return { status: 'ok' };
  }

  @Get('ready')
  @Public()
  @ApiOperation({
    summary: 'Whether the process takes requests: its database answers and it is not shutting down',
    description: 'For a load balancer: 503 while the database is away and while the service shuts down.',
  })
  @ApiOkResponse({ type: HealthResponse })
  @ApiErrors(notReady())
  async ready(): Promise<HealthResponse> {
    if (await this.readiness.isReady()) return { status: 'ok' };
    throw notReady();
  }
}

function notReady(): DomainError {
  return new DomainError({
    kind: 'unavailable',
    code: 'not_ready',
    message: 'The service is not ready. Try again shortly.',
    headers: { 'retry-after': '1' },
  });
}
