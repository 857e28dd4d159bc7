import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Admin } from '../common/access.js';
import { ApiErrors } from '../common/openapi.js';
import { toVerificationResponse, VerificationResponse } from './dto/verification.response.js';
import { verificationTimedOut } from './verification.errors.js';
import { VerificationService } from './verification.service.js';

@ApiTags('Credits')
@Controller('api/credits/verification')
export class VerificationController {
  constructor(private readonly verification: VerificationService) {}

  @Get()
  @Admin()
  @ApiOperation({
    summary: 'Whether the books are right: every balance, charge and total derived again and compared',
    description:
      'Reads one snapshot and changes nothing. Works over all teams and everything that was ever written, so it ' +
      'takes its time; requests that come meanwhile get the same result.',
  })
  @ApiOkResponse({ type: VerificationResponse })
  @ApiErrors(verificationTimedOut())
  async get(): Promise<VerificationResponse> {
    return toVerificationResponse(await this.verification.verify());
  }
}
