import { ApiProperty } from '@nestjs/swagger';
import type { Dashboard } from '../usage.types.js';

/** Its names are those that users of this route know, and therefore not in snake case. */
export class DashboardResponse implements Dashboard {
  @ApiProperty({ type: 'integer', example: 3 })
  organizations!: number;

  @ApiProperty({ type: 'integer', description: 'Without the deleted ones', example: 12 })
  teams!: number;

  @ApiProperty({ type: 'integer', example: 4 })
  modelGroups!: number;

  @ApiProperty({
    type: 'integer',
    description: 'All that were ever granted; beyond 2^53 not to the last digit',
    example: 10000,
  })
  totalCredits!: number;

  @ApiProperty({ type: 'integer', example: 7550 })
  creditsRemaining!: number;

  @ApiProperty({ type: 'integer', example: 2450 })
  creditsUsed!: number;
}
