import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule } from '@nestjs/swagger';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import { AccessGuard } from './auth/access.guard.js';
import type { Clock } from './common/clock.js';
import { answerUnreadableRequests } from './common/unreadable-requests.js';
import { createBodyParser } from './common/body-parser.js';
import { StreamingAdapter } from './common/streaming.adapter.js';
import { addOpenAiVersion } from './common/openai-path.js';
import { refuseNulInPath } from './common/path-inspection.js';
import { assignRequestId } from './common/request-id.js';
import type { Settings } from './config/settings.js';
import { createOpenApiDocument } from './openapi.js';

/**
 * The whole service, ready to listen.
 *
 * @param settings with a database and an upstream
 * @param clock the system's when left out
 */
export async function createApp(settings: Settings, clock?: Clock): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot(settings, clock),
    new StreamingAdapter({
      keepAliveMs: settings.streamKeepAliveMs,
      stallTimeoutMs: settings.streamStallTimeoutMs,
    }),
    {
      bodyParser: false,
      bufferLogs: true,
      abortOnError: false,
    },
  );
  app.useLogger(app.get(Logger));
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(assignRequestId);
  app.use(addOpenAiVersion);
  app.use(refuseNulInPath);
  const guard = app.get(AccessGuard, { strict: false });
  app.use(createBodyParser(settings, (request) => guard.mayPass(request)));
  SwaggerModule.setup('docs', app, () => createOpenApiDocument(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Jobs API',
  });
  await app.init();
  answerUnreadableRequests(app.getHttpServer());
  return app;
}
