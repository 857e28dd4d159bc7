import { applyDecorators, Controller, Get, Header, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Public } from '../common/access.js';
import { ApiErrors } from '../common/openapi.js';
import { ERROR_PAGES_PATH } from '../common/problem.js';
import { CONTENT_SECURITY_POLICY } from './error-page.js';
import { errorPageNotFound } from './error-pages.errors.js';
import { ErrorPagesService } from './error-pages.service.js';

/** An HTML page that needs nothing but itself. */
function HtmlPage(): MethodDecorator {
  return applyDecorators(
    Header('Content-Type', 'text/html; charset=utf-8'),
    Header('Content-Security-Policy', CONTENT_SECURITY_POLICY),
    Header('X-Content-Type-Options', 'nosniff'),
    ApiProduces('text/html'),
    ApiOkResponse({
      description: 'A page for people, without scripts',
      schema: { type: 'string', example: '<!doctype html>…' },
    }),
  );
}

@ApiTags('Errors')
@Controller(ERROR_PAGES_PATH)
export class ErrorPagesController {
  constructor(private readonly pages: ErrorPagesService) {}

  @Get()
  @Public()
  @HtmlPage()
  @ApiOperation({
    summary: 'All error codes with their causes',
    description: 'A page for people that links to the page of every code.',
  })
  list(): string {
    return this.pages.index;
  }

  @Get(':code')
  @Public()
  @HtmlPage()
  @ApiParam({ name: 'code', schema: { type: 'string', example: 'job_not_open' } })
  @ApiOperation({
    summary: 'Cause and remedy of an error code',
    description: 'The `type` of a problem is the path of this page for its `code`.',
  })
  @ApiErrors(errorPageNotFound())
  get(@Param('code') code: string): string {
    return this.pages.get(code);
  }
}
